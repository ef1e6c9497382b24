"""Which addresses a stranger's URL may lead to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.net.ssrf_guard import AddressRefused, SSRFGuard, is_public

OURS_ONLY = [
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",  # the metadata of AWS, Azure, Google and most others
    "100.100.100.200",  # of Alibaba
    "192.0.0.192",  # of Oracle
    "168.63.129.16",  # of Azure, and public by its looks
    "fd00:ec2::254",  # of AWS, by IPv6
    "100.64.0.1",
    "198.18.0.1",
    "192.0.2.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
]
CLOTHED = [
    "::ffff:10.0.0.1",
    "::10.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "2002:a00:1::",
    "2001:0:808:808:0:0:f5ff:fffe",  # Teredo for 10.0.0.1
]
JUNK = ["", "localhost", "2130706433", "0x7f.1", "127.1", "010.0.0.1", "1.2.3.4.5", "٣.1.1.1"]


@pytest.mark.parametrize("address", [*OURS_ONLY, *CLOTHED, *JUNK])
def test_what_is_only_ours_to_reach_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "54.230.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]
)
def test_what_anybody_can_reach_is_public(address):
    assert is_public(address)


@given(st.ip_addresses(v=4, network="10.0.0.0/8"))
def test_no_dress_makes_a_private_address_public(address):
    mapped, translated = f"::ffff:{address}", f"64:ff9b::{address}"
    six = int(address) << 80 | 0x2002 << 112
    assert not any(map(is_public, [str(address), mapped, translated, _text(six)]))


def _text(number):
    from ipaddress import IPv6Address

    return str(IPv6Address(number))


async def test_a_name_with_one_private_address_among_public_ones_is_refused():
    async def lookup(host, port):
        return ["8.8.8.8", "10.0.0.1"]

    with pytest.raises(AddressRefused, match=r"pictures\.example"):
        await SSRFGuard(lookup_host=lookup).resolve("pictures.example", 443)


async def test_a_public_name_is_resolved_to_what_was_judged():
    async def lookup(host, port):
        return ["8.8.8.8", "2606:4700::1111"]

    found = await SSRFGuard(lookup_host=lookup).resolve("pictures.example", 443)
    assert [(one["host"], one["port"]) for one in found] == [
        ("8.8.8.8", 443),
        ("2606:4700::1111", 443),
    ]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "2130706433", "127.1", "127.0.0.1."])
def test_an_address_in_a_url_is_judged_without_a_lookup(host):
    with pytest.raises(AddressRefused):
        SSRFGuard().check_host(host, 443)


def test_a_trusted_host_may_be_anywhere_and_only_on_the_port_named():
    guard = SSRFGuard(["127.0.0.1:8400", "box.internal"])
    guard.check_host("127.0.0.1", 8400)
    with pytest.raises(AddressRefused):
        guard.check_host("127.0.0.1", 22)
    assert guard.is_trusted("BOX.internal", 1)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://pictures.example/1", True),
        ("http://pictures.example/1", False),
        ("http://127.0.0.1:8400/1", True),
        ("http://127.0.0.1/1", False),
        ("file:///etc/passwd", False),
        ("ftp://pictures.example/1", False),
        ("//pictures.example/1", False),
        ("https:///1", False),
        ("https://[::1/1", False),
        ("https://pictures.example:port/1", False),
        ("", False),
    ],
)
def test_only_https_is_asked_for_except_at_a_trusted_host(url, allowed):
    assert SSRFGuard(["127.0.0.1:8400"]).may_request(url) is allowed
