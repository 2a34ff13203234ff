"""The page: packed files for who takes them, the page for its views, nothing from outside the folder."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from core.settings import Settings
from tests.kit.api import quick_passwords

JS = "console.log(1)"


@pytest.fixture
def client(tmp_path: Path) -> Generator[TestClient]:
    """A browser at an API whose page is built; nothing else of it is there."""
    folder = tmp_path / "browser"
    (folder / "media").mkdir(parents=True)
    (folder / "index.html").write_text('<app-root ngCspNonce="__CSP_NONCE__"></app-root>')
    (folder / "main-AB12CD34.js").write_text(JS)
    (folder / "main-AB12CD34.js.br").write_bytes(b"brotli")
    (folder / "main-AB12CD34.js.gz").write_bytes(b"gzip")
    (folder / "favicon.ico").write_bytes(b"icon")
    (tmp_path / "secret.txt").write_text("secret")
    app = create_app(Settings(web_dir=folder, data_dir=tmp_path), passwords=quick_passwords())
    yield TestClient(app)
    app.state.context.close()


def test_a_hashed_file_is_kept_for_ever_and_comes_as_packed_as_it_is_taken(client: TestClient) -> None:
    for accepted, encoding, body in (("br, gzip", "br", b"brotli"), ("gzip;q=0.5", "gzip", b"gzip")):
        with client.stream("GET", "/main-AB12CD34.js", headers={"Accept-Encoding": accepted}) as answer:
            assert b"".join(answer.iter_raw()) == body
        assert answer.headers["content-encoding"] == encoding
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    plain = client.get("/main-AB12CD34.js", headers={"Accept-Encoding": "identity"})
    assert plain.text == JS
    assert "content-encoding" not in plain.headers


def test_a_file_without_a_hash_is_asked_for_again(client: TestClient) -> None:
    assert client.get("/favicon.ico").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", "/pipelines", "/executions/7", "/index.html"])
def test_every_view_is_the_page_with_a_nonce_of_its_own(client: TestClient, path: str) -> None:
    first, second = client.get(path), client.get(path)
    if path == "/index.html":
        assert first.status_code == 404  # the page is not a file: it would come without its policy
        return
    nonces = [re.findall(r'ngCspNonce="([^"]+)"', answer.text)[0] for answer in (first, second)]
    assert nonces[0] != nonces[1]
    policy = first.headers["content-security-policy"]
    assert f"script-src 'self' 'nonce-{nonces[0]}'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "ws://testserver wss://testserver" in policy
    assert first.headers["cache-control"] == "no-store"
    assert first.headers["x-content-type-options"] == "nosniff"


def test_a_host_that_is_none_does_not_get_into_the_policy(client: TestClient) -> None:
    answer = client.get("/", headers={"Host": "evil.example; script-src *"})
    assert "script-src *" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/media/..%2f..%2fsecret.txt", "//etc/passwd.txt",
     "/%00.txt", "/missing.js"],
)  # fmt: skip
def test_nothing_outside_the_folder_is_given(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "secret" not in answer.text


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_address_of_the_api_is_a_problem_and_no_page(client: TestClient, method: str) -> None:
    answer = client.request(method, "/api/v1/nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_without_a_build_the_page_says_how_to_build_it(tmp_path: Path) -> None:
    app = create_app(Settings(web_dir=tmp_path / "none", data_dir=tmp_path), passwords=quick_passwords())
    answer = TestClient(app).get("/")
    app.state.context.close()
    assert answer.status_code == 200
    assert "make setup" in answer.text
    assert "__CSP_NONCE__" not in answer.text


def test_the_metrics_count_by_route_and_not_by_address(client: TestClient) -> None:
    client.get("/api/v1/executions/00000000-0000-0000-0000-000000000000")
    text = client.get("/metrics").text
    assert 'route="/executions/{execution_id}"' in text
    assert "00000000-0000" not in text
