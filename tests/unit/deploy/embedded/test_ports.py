from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.errors import ConfigError
from deploy.embedded.ports import HOST, check_free, choose


@contextmanager
def taken_port() -> Generator[int]:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_ports_are_remembered(tmp_path: Path) -> None:
    first = choose(["a", "b"], tmp_path / "p", fixed={}, preferred={})
    assert len(set(first.values())) == 2
    assert choose(["b", "a"], tmp_path / "p", fixed={}, preferred={}) == first


def test_a_remembered_port_that_was_taken_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    with taken_port() as port:
        (tmp_path / "p").write_text(f'{{"a": {port}}}')
        assert choose(["a"], tmp_path / "p", fixed={}, preferred={})["a"] != port


def test_the_preferred_port_is_taken_where_nothing_is_remembered(tmp_path: Path) -> None:
    with taken_port() as port:
        pass
    assert choose(["api"], tmp_path / "p", fixed={}, preferred={"api": port}) == {"api": port}


def test_a_fixed_port_in_use_is_refused_by_name(tmp_path: Path) -> None:
    with taken_port() as port, pytest.raises(ConfigError, match=rf"port {port} \(api\) is in use by .*--port"):
        choose(["api"], tmp_path / "p", fixed={"api": port}, preferred={})
    check_free(port, "api")


def test_a_damaged_memory_of_ports_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("{")
    assert choose(["a"], tmp_path / "p", fixed={}, preferred={})["a"] > 0
