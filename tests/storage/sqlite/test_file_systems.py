"""Network file systems, shared folders and clouds, as /proc/mounts names them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cooee.storage.sqlite.file_systems import find_network_file_system

REMOTE = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "smb",
    "9p",
    "afs",
    "ceph",
    "cephfs",
    "glusterfs",
    "lustre",
    "beegfs",
    "gpfs",
    "virtiofs",
    "vboxsf",
    "grpcfuse",
    "osxfs",
    "fakeowner",
    "drvfs",
    "prl_fs",
    "gcsfuse",
    "s3fs",
    "fuse",
    "fuse.sshfs",
    "fuse.s3fs",
    "fuse.gcsfuse",
    "fuse.grpcfuse",
    "fuse.rclone",
    "fuse.glusterfs",
    "fuse.juicefs",
    "fuse.blobfuse2",
    "fuse.vmhgfs-fuse",
    "fuse.osxfs",
    "fuse.whatever-comes",
    "fuse.ceph-fuse",
    "FUSE.S3FS",
]
LOCAL = [
    "ext2",
    "ext3",
    "ext4",
    "xfs",
    "btrfs",
    "zfs",
    "overlay",
    "tmpfs",
    "apfs",
    "hfs",
    "f2fs",
    "bcachefs",
    "fuseblk",
    "ntfs3",
    "ramfs",
    "fuse.fuse-overlayfs",
    "fuse.gocryptfs",
    "fuse.ntfs-3g",
    "fuse.mergerfs",
]


@pytest.mark.parametrize("kind", REMOTE)
def test_a_network_or_a_shared_folder_is_named(kind: str) -> None:
    mounts = f"/dev/vda / ext4 rw 0 0\nx /srv {kind} rw 0 0\n"
    assert find_network_file_system(Path("/srv/cooee.db"), mounts) == kind
    assert find_network_file_system(Path("/home/cooee.db"), mounts) == ""


@pytest.mark.parametrize("kind", LOCAL)
def test_a_local_disk_is_not_warned_of(kind: str) -> None:
    assert find_network_file_system(Path("/srv/cooee.db"), f"x /srv {kind} rw 0 0") == ""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/cooee.db", "nfs4"),
        ("/srv/local/cooee.db", ""),
        ("/srvx/cooee.db", ""),
        ("/a b/c", "cifs"),
        ("/a\tb/c", "nfs"),
        ("/twice/c", "nfs"),
        ("/hidden/c", ""),
    ],
)
def test_the_mount_that_a_path_lies_on_counts(path: str, kind: str) -> None:
    mounts = (
        "/dev/vda / ext4 rw 0 0\nhost:/x /srv nfs4 rw 0 0\n"
        "/dev/vdb /srv/local ext4 rw 0 0\n//h/s /a\\040b cifs rw 0 0\nodd\n"
        "h:/y /a\\011b nfs rw 0 0\n/dev/c /twice ext4 rw 0 0\nh:/z /twice nfs rw 0 0\n"
        "h:/w /hidden nfs rw 0 0\n/dev/d /hidden xfs rw 0 0\n"
    )
    assert find_network_file_system(Path(path), mounts) == kind
