"""What the broker understands of the Kafka protocol, request by request.

Spoken is what clients of ours need that `assign()` partitions: produce, fetch, offsets, topics, commits outside a
group. Not spoken: consumer groups that share partitions out, transactions, configuration. Of each request the
versions in the older plain encoding; a client picks the newest that both know.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from deploy.embedded.log import fetch
from deploy.embedded.log.fetch import Fetch
from deploy.embedded.log.octets import Reader, Unreadable, i8, i16, i32, i64, many, text
from deploy.embedded.log.partition import Refusal, Refused
from deploy.embedded.log.store import Store

_API_VERSIONS = 18
_TAGGED_SINCE = 3
_NODE = 0
_END, _START = -1, -2

Handler = Callable[["Requests", int, Reader], "bytes | Fetch | None"]


@dataclass(frozen=True, slots=True)
class Api:
    oldest: int
    newest: int
    handle: Handler


@dataclass(slots=True)
class Requests:
    """Answers over one store. `host` and `port` are where clients are told to connect."""

    store: Store
    cluster_id: str
    host: str
    port: int
    _producers: int = field(default_factory=lambda: random.getrandbits(48))
    """The last producer id given: a new broker gives others than the one before it."""

    def answer(self, request: bytes) -> tuple[bytes, bytes | Fetch | None]:
        """Return the head of the response, and its body; a fetch is to be answered when it can be; None: not at all.

        Raises:
            Unreadable: it is no request, or one we never offered.
        """
        body = Reader(request)
        key, version = body.i16(), body.i16()
        head = i32(body.i32())
        if key == _API_VERSIONS:
            return head, _versions(version)
        body.text()  # who it is
        api = APIS.get(key)
        if api is None or not api.oldest <= version <= api.newest:
            raise Unreadable(f"request {key} in version {version}")
        return head, api.handle(self, version, body)

    def produce(self, version: int, body: Reader) -> bytes | None:
        body.text()  # transaction
        acks = body.i16()
        body.i32()  # time to take

        def one(name: str) -> bytes:
            number, code, first, start = body.i32(), 0, -1, -1
            try:
                first = self.store.append(name, number, body.octets())
                start = self.store.partition(name, number).start
            except Refused as refused:
                code = refused.code
            return i32(number) + i16(code) + i64(first) + i64(-1) + (i64(start) if version >= 5 else b"")

        topics = _topics(body, one)
        return many(topics) + i32(0) if acks else None

    def fetch(self, version: int, body: Reader) -> Fetch:
        return Fetch.read(version, body)

    def list_offsets(self, version: int, body: Reader) -> bytes:
        body.i32()  # replica
        if version >= 2:
            body.i8()  # isolation

        def one(name: str) -> bytes:
            number, ts_ms = body.i32(), body.i64()
            code, found = 0, (-1, -1)
            try:
                partition = self.store.partition(name, number)
                if ts_ms == _END:
                    found = partition.end, -1
                elif ts_ms == _START:
                    found = partition.start, -1
                else:
                    found = partition.since(ts_ms)
            except Refused as refused:
                code = refused.code
            return i32(number) + i16(code) + i64(found[1]) + i64(found[0])

        return (i32(0) if version >= 2 else b"") + many(_topics(body, one))

    def metadata(self, version: int, body: Reader) -> bytes:
        asked = body.many_or_none(body.text)
        names = list(self.store.topics) if asked is None else asked
        return b"".join(
            (
                i32(0) if version >= 3 else b"",
                many([i32(_NODE) + text(self.host) + i32(self.port) + text(None)]),
                text(self.cluster_id) if version >= 2 else b"",
                i32(_NODE),
                many(self._described(name) for name in names),
            )
        )

    def _described(self, name: str) -> bytes:
        topic = self.store.topics.get(name)
        code = 0 if topic else Refusal.UNKNOWN_TOPIC_OR_PARTITION
        count = len(topic.partitions) if topic else 0
        us = many([i32(_NODE)])
        return i16(code) + text(name) + i8(0) + many(i16(0) + i32(n) + i32(_NODE) + us + us for n in range(count))

    def find_coordinator(self, version: int, _body: Reader) -> bytes:
        wrapped = (i32(0), text(None)) if version >= 1 else (b"", b"")
        return wrapped[0] + i16(0) + wrapped[1] + i32(_NODE) + text(self.host) + i32(self.port)

    def commit(self, version: int, body: Reader) -> bytes:
        group = body.text()
        body.i32()  # generation
        body.text()  # member
        body.i64()  # how long to keep it

        def one(name: str) -> bytes:
            number, offset = body.i32(), body.i64()
            body.text()  # remark
            code = 0
            try:
                self.store.partition(name, number)
                self.store.committed[group, name, number] = offset
            except Refused as refused:
                code = refused.code
            return i32(number) + i16(code)

        return (i32(0) if version >= 3 else b"") + many(_topics(body, one))

    def committed(self, version: int, body: Reader) -> bytes:
        group = body.text()

        def asked() -> tuple[str, list[int]]:
            return body.text(), body.many(body.i32)

        wanted = body.many_or_none(asked)
        if wanted is None:
            all_of: dict[str, list[int]] = {}
            for _, name, number in (key for key in self.store.committed if key[0] == group):
                all_of.setdefault(name, []).append(number)
            wanted = list(all_of.items())
        topics = [text(name) + many(self._committed(group, name, n) for n in numbers) for name, numbers in wanted]
        return (i32(0) if version >= 3 else b"") + many(topics) + (i16(0) if version >= 2 else b"")

    def _committed(self, group: str, name: str, number: int) -> bytes:
        return i32(number) + i64(self.store.committed.get((group, name, number), -1)) + text("") + i16(0)

    def create_topics(self, version: int, body: Reader) -> bytes:
        def assigned() -> list[int]:
            body.i32()
            return body.many(body.i32)

        def one() -> tuple[str, int, dict[str, str]]:
            name, count, _ = body.text(), body.i32(), body.i16()
            chosen = body.many(assigned)
            return name, len(chosen) or count, dict(body.many(lambda: (body.text(), body.text())))

        asked = body.many(one)
        body.i32()  # time to take
        is_only_checked = version >= 1 and bool(body.i8())
        parts: list[bytes] = []
        for name, count, config in asked:
            code = 0
            try:
                (Store(0) if is_only_checked else self.store).create(name, count, config)
            except Refused as refused:
                code = refused.code
            parts.append(text(name) + i16(code) + (text(None) if version >= 1 else b""))
        return (i32(0) if version >= 2 else b"") + many(parts)

    def delete_topics(self, version: int, body: Reader) -> bytes:
        parts: list[bytes] = []
        for name in body.many(body.text):
            code = 0
            try:
                self.store.delete(name)
            except Refused as refused:
                code = refused.code
            parts.append(text(name) + i16(code))
        return (i32(0) if version >= 1 else b"") + many(parts)

    def new_producer(self, _version: int, _body: Reader) -> bytes:
        self._producers += 1
        return i32(0) + i16(0) + i64(self._producers) + i16(0)


def _topics(body: Reader, one: Callable[[str], bytes]) -> Sequence[bytes]:
    """Read an array of topics, each a name and an array that `one` reads and answers; return the answers."""

    def topic() -> bytes:
        name = body.text()
        return text(name) + many(body.many(lambda: one(name)))

    return body.many(topic)


def _versions(version: int) -> bytes:
    """Tell what is spoken. To a version that we do not know, in the first one: so the protocol has it."""
    offered = {**{key: (api.oldest, api.newest) for key, api in APIS.items()}, _API_VERSIONS: (0, _TAGGED_SINCE)}
    each = [i16(key) + i16(oldest) + i16(newest) for key, (oldest, newest) in sorted(offered.items())]
    if version > _TAGGED_SINCE:
        return i16(Refusal.UNSUPPORTED_VERSION) + many(each)
    if version == _TAGGED_SINCE:
        # Compact: the count is one more, in a varint of one byte; no tagged fields behind each and at the end.
        return i16(0) + i8(len(each) + 1) + b"".join(one + i8(0) for one in each) + i32(0) + i8(0)
    return i16(0) + many(each) + (i32(0) if version >= 1 else b"")


# Old versions of produce are offered and not spoken: without them librdkafka takes us for a broker that cannot
# take compressed batches. It picks the newest.
APIS = {
    0: Api(0, 7, Requests.produce),
    1: Api(fetch.OLDEST, fetch.NEWEST, Requests.fetch),
    2: Api(1, 3, Requests.list_offsets),
    3: Api(1, 4, Requests.metadata),
    8: Api(2, 3, Requests.commit),
    9: Api(1, 3, Requests.committed),
    10: Api(0, 1, Requests.find_coordinator),
    19: Api(0, 4, Requests.create_topics),
    20: Api(0, 3, Requests.delete_topics),
    22: Api(0, 1, Requests.new_producer),
}
