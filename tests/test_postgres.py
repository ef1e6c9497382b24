"""The PostgreSQL that the tests run on."""

from urllib.parse import urlsplit

import pytest
from support.postgres import (
    NoPostgres,
    OwnPostgres,
    fetch_value,
    find_postgres,
    find_programs,
    require_postgres,
    start_postgres,
)


async def test_each_test_has_a_database_of_its_own(postgres, postgres_url):
    other = await postgres.create_database()
    try:
        await fetch_value(postgres_url, "create table mine (id int)")
        assert await fetch_value(postgres_url, "select to_regclass('mine')::text") == "mine"
        assert await fetch_value(postgres.url(other), "select to_regclass('mine')::text") is None
    finally:
        await postgres.drop_database(other)


async def test_a_database_is_a_copy_of_its_template(postgres, postgres_url):
    await fetch_value(postgres_url, "create table mine as select 7 as id")
    copy = await postgres.create_database(urlsplit(postgres_url).path[1:])
    try:
        assert await fetch_value(postgres.url(copy), "select id from mine") == 7
    finally:
        await postgres.drop_database(copy)


async def test_a_server_that_crashed_starts_again_with_what_was_committed():
    with start_postgres({"fsync": "on", "synchronous_commit": "on"}) as server:
        await fetch_value(server.url(), "create table kept as select 7 as id")
        server.restart()
        assert await fetch_value(server.url(), "select id from kept") == 7


def test_a_named_server_is_used_instead(monkeypatch):
    monkeypatch.setenv("COOEE_TEST_POSTGRES", "postgresql://me@db.example/postgres?ssl=require")
    with find_postgres() as server:
        assert not isinstance(server, OwnPostgres)
        assert server.url("mine") == "postgresql://me@db.example/mine?ssl=require"


def without_programs(monkeypatch):
    monkeypatch.delenv("COOEE_TEST_POSTGRES", raising=False)
    monkeypatch.setattr("support.postgres.find_spec", lambda name: None)
    monkeypatch.setattr("support.postgres.shutil.which", lambda name: None)
    monkeypatch.setattr("support.postgres.SYSTEM_PROGRAMS", ())


def test_where_there_is_no_server_a_sentence_says_what_to_do(monkeypatch, tmp_path):
    without_programs(monkeypatch)
    with pytest.raises(NoPostgres, match="COOEE_TEST_POSTGRES"):
        find_programs(tmp_path)


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail), ("", pytest.skip)])
def test_ci_never_skips_the_tests_on_postgres(monkeypatch, ci, outcome):
    without_programs(monkeypatch)
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome.Exception, match="COOEE_TEST_POSTGRES"), require_postgres():
        pass
