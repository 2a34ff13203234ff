"""Long texts and files: a folder or S3, by one URL. A blob is written once and not changed."""

from __future__ import annotations

from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import ObjectStore, from_url

from core.errors import NotFound, Unavailable
from core.settings import Settings


class Blobs:
    def __init__(self, settings: Settings) -> None:
        """Open `blob_url`, or the folder `blobs` of the data directory where none is set."""
        url = settings.blob_url or (settings.data_dir.resolve() / "blobs").as_uri()
        self._store: ObjectStore = from_url(url, mkdir=True) if url.startswith("file://") else from_url(url)

    def put(self, key: str, data: bytes) -> None:
        """Write a blob; one that is there already stays as it is."""
        try:
            self._store.put(key, data, mode="create")
        except AlreadyExistsError:
            return
        except BaseError as error:
            raise Unavailable(f"the blob store does not take {key!r} ({type(error).__name__})") from None

    def get(self, key: str) -> bytes:
        try:
            return bytes(self._store.get(key).bytes())
        except FileNotFoundError:
            raise NotFound(f"no blob {key!r}") from None
        except BaseError as error:
            raise Unavailable(f"the blob store does not give {key!r} ({type(error).__name__})") from None

    def check(self) -> None:
        """Answer, or raise `Unavailable`."""
        try:
            next(iter(self._store.list(chunk_size=1)), None)
        except BaseError as error:
            raise Unavailable(f"the blob store is away ({type(error).__name__})") from None
