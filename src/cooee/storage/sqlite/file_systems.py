"""File systems on which SQLite's locks and shared memory do not hold."""

from __future__ import annotations

import re
from pathlib import Path

_NETWORKS = """
    9p afs auristorfs ceph cephfs cifs coda davfs davfs2 efs fhgfs beegfs glusterfs gpfs lustre
    moosefs ncpfs nfs nfs3 nfs4 ocfs2 gfs2 orangefs panfs pvfs2 quobyte smb smb2 smb3 smbfs sshfs
    webdav wekafs
"""
_CLOUDS = "azurefile blobfuse blobfuse2 gcsfuse goofys juicefs mountpoint-s3 rclone s3fs s3ql"
# a host's folder, shown to a virtual machine or a container
_SHARED = "drvfs fakeowner grpcfuse osxfs prl_fs shfs vboxsf virtiofs vmhgfs vmhgfs-fuse"
_REMOTE = frozenset(f"{_NETWORKS} {_CLOUDS} {_SHARED}".split())
_LOCAL_FUSE = frozenset(
    {"bindfs", "cryfs", "encfs", "exfat", "fuse-overlayfs", "gocryptfs", "mergerfs", "ntfs-3g"}
)
_ESCAPE = re.compile(r"\\([0-7]{3})")  # proc_mounts(5): a space is \040


def find_network_file_system(path: Path, mounts: str) -> str:
    """Return the network file system that a path lies on, by Linux's table ``/proc/mounts``.

    "" for a local path. SQLite's locks and shared memory do not work over a network
    (https://sqlite.org/wal.html, section 1), nor through a shared folder of a virtual machine.
    A file system in user space (`fuse.…`) counts as one unless it is known to be local.
    """
    best_length, best_file_system = -1, ""
    for line in mounts.splitlines():
        _, mount_point, file_system, *_ = [*line.split(" "), "", "", ""]
        mount_point = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), mount_point)
        # of two mounts at one place, the later one hides the other
        if path.is_relative_to(mount_point or "?") and len(mount_point) >= best_length:
            best_length, best_file_system = len(mount_point), file_system
    return best_file_system if _is_remote(best_file_system) else ""


def _is_remote(file_system: str) -> bool:
    kind, _, sub_kind = file_system.lower().partition(".")
    if kind == "fuse":
        return sub_kind not in _LOCAL_FUSE
    return kind in _REMOTE


def read_mounts() -> str:
    """Return the table of mounted file systems; "" where the system shows none."""
    try:
        return Path("/proc/mounts").read_text("utf-8", errors="replace")
    except OSError:
        return ""
