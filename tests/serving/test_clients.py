"""Addresses, secrets and servers that fail, without a network."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from calogan.errors import ConfigurationError, ModelError, SimulationError
from calogan.serving.address import Address, Place, parse_address
from calogan.serving.fleet import Fleet
from calogan.serving.limits import Limits
from calogan.serving.security import (
    Certificate,
    authorized,
    check_exposure,
    is_local,
    read_token,
)
from calogan.serving.transport import (
    Asked,
    Credentials,
    Described,
    Reply,
    Transient,
    Transport,
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("grpc://a/eplus", Address("grpc", (Place("a", 8001),), "eplus")),
        ("http://a.b-c:80/x@2", Address("http", (Place("a.b-c", 80),), "x", "2")),
        ("grpcs://[::1]:9/x/", Address("grpcs", (Place("[::1]", 9),), "x")),
        ("https://a,b:1,a/x", Address("https", (Place("a", 8000), Place("b", 1)), "x")),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ftp://a/x", "starts with grpc://"),
        ("grpc://a", "name a model"),
        ("grpc://a/", "name a model"),
        ("grpc:///x", "is no server"),
        ("grpc://a:0/x", "is no server"),
        ("grpc://a:99999/x", "is no server"),
        ("grpc://a,,b/x", "is no server"),
        ("grpc://a/x/y", "name a model"),
        ("http://me:secret@a/x", "no names or passwords"),
    ],
)
def test_no_addresses(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        parse_address(text)
    assert "secret" not in str(caught.value)


def test_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CALOGAN_SERVER_TOKEN", raising=False)
    assert read_token() is None
    monkeypatch.setenv("CALOGAN_SERVER_TOKEN", "from-the-environment")
    assert read_token() == "from-the-environment"
    file = tmp_path / "token"
    file.write_text(" 0123456789abcdef\n")
    assert read_token(file) == "0123456789abcdef"
    for bad in ("", "short", "with a space in it", "x" * 5000 + " y"):
        file.write_text(bad)
        with pytest.raises(ConfigurationError, match="openssl rand") as caught:
            read_token(file)
        assert not bad or bad not in str(caught.value)
    with pytest.raises(ConfigurationError, match="cannot read the token"):
        read_token(tmp_path / "none")


@pytest.mark.parametrize(
    ("header", "passes"),
    [
        ("Bearer 0123456789abcdef", True),
        ("bearer  0123456789abcdef", True),
        ("Bearer 0123456789abcdeF", False),
        ("Basic 0123456789abcdef", False),
        ("0123456789abcdef", False),
        ("Bearer é", False),
        ("Bearer", False),
        ("", False),
        (None, False),
    ],
)
def test_authorization(header: str | None, passes: bool) -> None:
    assert authorized(header, "0123456789abcdef") is passes
    assert authorized(header, None)


def test_a_token_does_not_travel_in_plain_text() -> None:
    for host in ("127.0.0.1", "localhost", "::1", "[::1]", "127.8.8.8"):
        assert is_local(host)
        check_exposure(host, "token", encrypted=False)
    for host in ("0.0.0.0", "::", "10.0.0.1", "example.org", "localhost.example.org", ""):
        assert not is_local(host)
        check_exposure(host, "token", encrypted=True)
        check_exposure(host, None, encrypted=False)
        with pytest.raises(ConfigurationError, match="in plain text"):
            check_exposure(host, "token", encrypted=False)


def test_certificates_are_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    with pytest.raises(ConfigurationError, match=r"cannot read .*key\.pem"):
        Certificate(file, file).read()
    file.write_text("no key")
    with pytest.raises(ConfigurationError, match="holds no private key in PEM"):
        Certificate(file, file).read()
    file.write_text("-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(ConfigurationError, match="no certificate and its private key"):
        Certificate(file, file).read()


def test_authorities_that_are_none_are_not_those_of_the_system(tmp_path: Path) -> None:
    file = tmp_path / "chain.pem"
    for content in ("", "no certificate"):
        file.write_text(content)
        with pytest.raises(ConfigurationError, match="holds no certificates in PEM"):
            Credentials(authorities=file).read_authorities()


@pytest.mark.parametrize("name", ["batch_showers", "message_bytes", "requests", "timeout_s"])
def test_limits_let_something_through(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is 0"):
        Limits(**{name: 0})
    with pytest.raises(ConfigurationError, match="fewer than one request"):
        Limits(queued_showers=10, request_showers=11)


class Scripted:
    """A server that does what it is told."""

    def __init__(self, act: Callable[[], None] = lambda: None) -> None:
        self.act, self.calls = act, 0

    def describe(self, model: str, version: str, timeout_s: float) -> Described:
        raise NotImplementedError

    def infer(self, _: Asked, __: float) -> Reply:
        self.calls += 1
        self.act()
        return Reply((), "")

    def close(self) -> None:
        pass


ASKED = Asked("m", "1", {}, ())


def ask(server: Transport) -> Reply:
    return server.infer(ASKED, 1.0)


def fleet(*servers: Scripted, patience_s: float = 30.0) -> Fleet:
    return Fleet([(Place("a", k + 1), one) for k, one in enumerate(servers)], patience_s)


def down() -> None:
    msg = "connection refused"
    raise Transient(msg)


def test_a_server_that_fails_is_left_alone() -> None:
    good, bad = Scripted(), Scripted(down)
    both = fleet(good, bad)
    for _ in range(200):
        both.call(ask, threading.Event())
    assert good.calls == 200
    assert bad.calls < 20


def test_a_server_that_comes_back_is_used_again() -> None:
    fails = iter(range(3))

    def act() -> None:
        if next(fails, None) is not None:
            down()

    one = Scripted(act)
    alone = fleet(one)
    alone.call(ask, threading.Event())
    assert one.calls == 4


def test_patience_ends() -> None:
    started = time.monotonic()
    with pytest.raises(SimulationError, match=r"no answer from a:1, a:2 for .*refused"):
        fleet(Scripted(down), Scripted(down), patience_s=0.2).call(ask, threading.Event())
    assert time.monotonic() - started >= 0.2


def test_a_request_that_kills_each_server_ends() -> None:
    def act() -> None:
        msg = "the network failed"
        raise Transient(msg, inside=True)

    servers = [Scripted(act) for _ in range(20)]
    with pytest.raises(SimulationError, match="the network failed"):
        fleet(*servers).call(ask, threading.Event())
    assert sum(one.calls for one in servers) == 10


def test_what_makes_no_sense_is_not_asked_again() -> None:
    def act() -> None:
        msg = "no such model"
        raise ModelError(msg)

    one = Scripted(act)
    with pytest.raises(ModelError, match="a:1: no such model"):
        fleet(one).call(ask, threading.Event())
    assert one.calls == 1


def test_nobody_waits_any_more() -> None:
    stopped = threading.Event()
    one = Scripted(lambda: (stopped.set(), down())[1])  # type: ignore[func-returns-value]
    with pytest.raises(SimulationError, match="stopped"):
        fleet(one).call(ask, stopped)
    assert one.calls == 1


def test_the_first_answer_is_waited_for_less(caplog: pytest.LogCaptureFixture) -> None:
    both = fleet(Scripted(down), Scripted(down), patience_s=1e6)
    with pytest.raises(SimulationError, match="no answer"):
        both.first_call(ask, 1.0)
    assert "a:1: connection refused; trying again" in caplog.text
