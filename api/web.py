"""The page: built files with their packed siblings, and `index.html` for every address that is a view of it.

A folder that is not built yet gives a page that says how to build it; the API works all the same.
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.context import Ctx, context_of
from api.problems import respond
from core.settings import Settings

router = APIRouter(include_in_schema=False)

NONCE = "__CSP_NONCE__"
# By hand: what `mimetypes` says depends on the system.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
# The build puts eight letters of base64url before the ending of what it names by content.
_HASHED = re.compile(r"-[\w-]{8}\.(?:js|css|woff2)$")
_PACKED = (("br", ".br"), ("gzip", ".gz"))
_NOT_BUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Tapewatch</title>
<style nonce="__CSP_NONCE__">
body { background: #0b0d12; color: #e8ecf4; font: 14px/20px system-ui, sans-serif; margin: 15vh auto; max-width: 34rem }
code { color: #5b9dff }
</style></head>
<body><h1>Tapewatch is running</h1>
<p>The page is not built yet. <code>make setup</code> builds it; then reload.</p>
<p>The API is at <code>/api/v1</code>, its description at <code>/api/v1/openapi.json</code>.</p>
</body></html>
"""


@router.get("/api/{_path:path}")
@router.post("/api/{_path:path}")
@router.put("/api/{_path:path}")
@router.delete("/api/{_path:path}")
def refuse_unknown_api(_path: str) -> Response:
    return respond(404, "there is no such address in this API")


@router.get("/{path:path}")
def get_page(path: str, request: Request, ctx: Ctx) -> Response:
    """Return a built file, or the page itself."""
    folder = ctx.settings.web_dir.resolve()
    if path and (file := _file(folder, path)) is not None:
        return _built(file, request)
    if "." in path.rpartition("/")[2]:
        return respond(404, "there is no such file")
    return _index(folder, request)


def _file(folder: Path, path: str) -> Path | None:
    """Return the file of a path inside the folder; None where there is none, or it leads outside."""
    if "\x00" in path:
        return None
    found = (folder / path).resolve()
    is_inside = found.is_relative_to(folder) and found != folder / "index.html"
    return found if is_inside and found.is_file() else None


def _built(file: Path, request: Request) -> Response:
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if _is_hashed(file) else "no-cache",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    kind = _TYPES.get(file.suffix, "application/octet-stream")
    accepted = {part.split(";")[0].strip() for part in request.headers.get("accept-encoding", "").split(",")}
    for encoding, suffix in _PACKED:
        packed = file.with_name(file.name + suffix)
        if encoding in accepted and packed.is_file():
            return Response(packed.read_bytes(), media_type=kind, headers={**headers, "Content-Encoding": encoding})
    return Response(file.read_bytes(), media_type=kind, headers=headers)


def _is_hashed(file: Path) -> bool:
    """Tell `main-aB1_-d34.js` from `favicon.ico`: a hashed file never changes under its name."""
    return _HASHED.search(file.name) is not None


def _index(folder: Path, request: Request) -> Response:
    index = folder / "index.html"
    text = index.read_text() if index.is_file() else _NOT_BUILT
    nonce = secrets.token_urlsafe(16)
    return Response(
        text.replace(NONCE, nonce),
        media_type="text/html; charset=utf-8",
        headers={
            "Cache-Control": "no-store",
            "Content-Security-Policy": policy(nonce, request.headers.get("host", ""), context_of(request).settings),
        },
    )


def policy(nonce: str, host: str, settings: Settings) -> str:
    """Return the content security policy of one answer.

    A host from the request is named only where it is well-formed: it would otherwise be the asker's to write.
    """
    allowed = host if all(c.isalnum() or c in ".-:[]" for c in host) else settings.origin.partition("://")[2]
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' 'nonce-{nonce}'",
            f"style-src 'self' 'nonce-{nonce}'",
            "style-src-attr 'unsafe-inline'",
            "worker-src 'self' blob:",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            f"connect-src 'self' ws://{allowed} wss://{allowed}",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )
