"""Notifications get out of the page: to each channel that wants them, once, or with a reason why not."""

from __future__ import annotations

import threading
from collections.abc import Generator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from standardwebhooks import Webhook as Verifier

from agents.notifications.delivery import Deliverer, channels_of
from agents.notifications.webhook import encode_address, new_secret
from core.clock import ManualClock, to_datetime
from core.sealing.key_file import read_keys, write_keys
from core.settings import Settings
from core.store import notifications, postgres, users
from core.store.notifications import ChannelType, DeliveryState, Kind
from core.store.postgres import Engine
from tests.kit.receivers import MailServer, Receiver, mail_server, web_receiver
from tests.kit.waiting import wait_until


@dataclass(slots=True)
class World:
    settings: Settings
    engine: Engine
    clock: ManualClock
    user_id: UUID

    def deliverer(self) -> Deliverer:
        return Deliverer(self.settings, self.engine, channels_of(self.settings, self.clock), self.clock)

    def channel(self, channel_type: ChannelType, address: str, *kinds: Kind) -> UUID:
        channel_id = uuid4()
        assert self.settings.master_key_file is not None
        with self.engine.begin() as tx:
            notifications.add_channel(
                tx, read_keys(self.settings.master_key_file), address, channel_id=channel_id, user_id=self.user_id,
                name=f"{channel_type}-{channel_id}", channel_type=channel_type, kinds=kinds,
            )  # fmt: skip
        return channel_id

    def tell(self, title: str = "AAPL: a report", *, kind: Kind = "report_ready", key: str = "") -> UUID:
        with self.engine.begin() as tx:
            return notifications.notify(
                tx, key or str(uuid4()), user_id=self.user_id, kind=kind, title=title, body="Bought 66 <b>shares</b>.",
                payload={"execution_id": "e-1"}, at=to_datetime(self.clock.now_ms()),
            )  # fmt: skip

    def log(self, channel_id: UUID) -> list[DeliveryState]:
        with self.engine.begin() as tx:
            return list(notifications.deliveries(tx, self.user_id, channel_id))


@pytest.fixture
def world(migrated: Settings, tmp_path: Path) -> Generator[World]:
    write_keys(tmp_path / "master.key", [b"k" * 32])
    settings = migrated.model_copy(
        update={"master_key_file": tmp_path / "master.key", "notify_private_addresses": True}
    )
    engine = postgres.engine(settings, pool_size=10)
    user_id = uuid4()
    with engine.begin() as tx:
        tx.execute(text("DELETE FROM notification_channels"))
        users.create(tx, user_id=user_id, email=f"{user_id}@example.com", password_hash="")
    yield World(settings, engine, ManualClock(), user_id)
    engine.dispose()


@pytest.fixture
def receiver() -> Generator[Receiver]:
    with web_receiver() as found:
        yield found


@pytest.fixture
def mails() -> Generator[MailServer]:
    with mail_server() as found:
        yield found


def test_a_webhook_is_signed_so_that_the_specifications_own_library_takes_it(world: World, receiver: Receiver) -> None:
    secret = new_secret()
    channel = world.channel("webhook", encode_address(receiver.url + "/hook", secret))
    # The library compares the stamp with its own clock.
    world.clock = ManualClock(int(to_datetime(0).now().timestamp() * 1000))
    told = world.tell()
    assert world.deliverer().deliver() == 1
    (got,) = receiver.received
    assert got.path == "/hook"
    read = Verifier(secret).verify(got.body, got.headers)
    assert read["type"] == "notification.report_ready"
    assert read["data"]["title"] == "AAPL: a report"
    assert got.headers["webhook-id"] == str(told)
    (state,) = world.log(channel)
    assert (state.state, state.attempts, state.answer) == ("delivered", 1, "HTTP 200")
    assert world.deliverer().deliver() == 0


def test_slack_is_sent_text_in_which_nothing_is_markup(world: World, receiver: Receiver) -> None:
    world.channel("slack", receiver.url + "/services/T0/B0/secret")
    world.tell("<!channel> & more")
    assert world.deliverer().deliver() == 1
    sent = msgspec.json.decode(receiver.received[0].body)["text"]
    assert sent.startswith("*&lt;!channel&gt; &amp; more*\nBought 66 &lt;b&gt;shares&lt;/b&gt;.")
    assert "/executions/e-1|open>" in sent


def test_telegram_is_sent_plain_text_by_the_users_own_bot(world: World, receiver: Receiver) -> None:
    world.settings = world.settings.model_copy(update={"telegram_url": receiver.url})
    world.channel("telegram", "123:ABC/4711")
    world.tell()
    assert world.deliverer().deliver() == 1
    (got,) = receiver.received
    assert got.path == "/bot123:ABC/sendMessage"
    body = msgspec.json.decode(got.body)
    assert body["chat_id"] == "4711"
    assert "parse_mode" not in body


def test_an_email_goes_through_the_mail_server(world: World, mails: MailServer) -> None:
    world.settings = world.settings.model_copy(update={"smtp_url": SecretStr(mails.url), "mail_from": "tw@example.com"})
    world.channel("email", "trader@example.com")
    world.tell("AAPL: a report\nBcc: everybody@example.com")
    assert world.deliverer().deliver() == 1
    (mail,) = mails.mails
    assert (mail["To"], mail["From"]) == ("trader@example.com", "tw@example.com")
    assert mail["Subject"] == "AAPL: a report Bcc: everybody@example.com"
    assert mail["Bcc"] is None
    assert "Bought 66 <b>shares</b>." in mail.get_payload()


@pytest.mark.parametrize(("reply", "state"), [("550 no such mailbox", "failed"), ("450 try later", "waiting")])
def test_what_a_mail_server_says_decides_whether_it_is_tried_again(
    world: World, mails: MailServer, reply: str, state: str
) -> None:
    world.settings = world.settings.model_copy(update={"smtp_url": SecretStr(mails.url)})
    channel = world.channel("email", "trader@example.com")
    world.tell()
    mails.refuse = reply
    assert world.deliverer().deliver() == 0
    (found,) = world.log(channel)
    assert (found.state, found.attempts) == (state, 1)
    assert reply[:3] in found.answer


def test_without_a_mail_server_an_email_says_which_setting_is_missing(world: World) -> None:
    channel = world.channel("email", "trader@example.com")
    world.tell()
    world.deliverer().deliver()
    assert "TAPEWATCH_SMTP_URL" in world.log(channel)[0].answer


def test_a_receiver_that_is_down_is_tried_later_each_time_and_given_up_in_the_end(
    world: World, receiver: Receiver
) -> None:
    channel = world.channel("slack", receiver.url)
    world.tell()
    receiver.status = 503
    waits: list[timedelta] = []
    while (now := to_datetime(world.clock.now_ms())) and len(waits) < 20:
        world.deliverer().deliver()
        (state,) = world.log(channel)
        if state.state != "waiting":
            break
        waits.append(state.next_at - now)
        world.clock.advance(int(waits[-1].total_seconds() * 1000))
    assert waits == sorted(waits)
    assert timedelta(hours=20) < sum(waits, timedelta()) < timedelta(hours=36)
    assert world.log(channel)[0].state == "failed"
    assert len(receiver.received) == len(waits) + 1
    assert len({msgspec.json.decode(r.body)["text"] for r in receiver.received}) == 1


def test_a_receiver_that_comes_back_gets_what_waited(world: World, receiver: Receiver) -> None:
    channel = world.channel("slack", receiver.url)
    world.tell()
    receiver.status = 429
    assert world.deliverer().deliver() == 0
    receiver.status = 200
    assert world.deliverer().deliver() == 0, "it is not due yet"
    world.clock.advance(5_000)
    assert world.deliverer().deliver() == 1
    assert world.log(channel)[0].attempts == 2


@pytest.mark.parametrize("status", [302, 400, 401, 404, 410])
def test_an_answer_that_will_stay_the_same_is_not_asked_for_again(
    world: World, receiver: Receiver, status: int
) -> None:
    channel = world.channel("slack", receiver.url + "/services/geheim")
    world.tell()
    receiver.status = status
    world.deliverer().deliver()
    world.clock.advance(86_400_000)
    world.deliverer().deliver()
    assert len(receiver.received) == 1
    (state,) = world.log(channel)
    assert (state.state, state.answer) == ("failed", f"HTTP {status}")


def test_a_private_address_is_not_written_to_unless_it_is_allowed(world: World, receiver: Receiver) -> None:
    world.settings = world.settings.model_copy(update={"notify_private_addresses": False})
    channel = world.channel("slack", receiver.url.replace("127.0.0.1", "localhost"))
    world.tell()
    world.deliverer().deliver()
    assert receiver.received == []
    assert "TAPEWATCH_NOTIFY_PRIVATE_ADDRESSES" in world.log(channel)[0].answer


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://x", "http://", "https:///x", "no url", "http://[::1"])
def test_what_is_no_http_address_is_refused(world: World, url: str) -> None:
    channel = world.channel("slack", url)
    world.tell()
    world.deliverer().deliver()
    assert world.log(channel)[0].answer == "the address is not an http or https URL"


def test_a_channel_is_told_what_it_asked_for_and_each_thing_once(world: World, receiver: Receiver) -> None:
    every = world.channel("slack", receiver.url + "/every")
    trades = world.channel("slack", receiver.url + "/trades", "trade", "alarm")
    world.tell(kind="report_ready", key="one")
    world.tell(kind="report_ready", key="one")
    world.tell(kind="trade", key="two")
    assert world.deliverer().deliver() == 3
    assert sorted(r.path for r in receiver.received) == ["/every", "/every", "/trades"]
    assert len(world.log(every)) == 2
    assert len(world.log(trades)) == 1


def test_two_processes_do_not_send_the_same(world: World, receiver: Receiver) -> None:
    world.channel("slack", receiver.url)
    for _ in range(6):
        world.tell()
    receiver.hang.clear()
    threads = [threading.Thread(target=world.deliverer().deliver) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(receiver.received) == 6, timeout_s=30, what="six notifications at once")
    receiver.hang.set()
    for thread in threads:
        thread.join()
    assert world.deliverer().deliver() == 0
    assert len(receiver.received) == 6


def test_what_a_dead_process_had_taken_is_sent_by_the_next(world: World, receiver: Receiver) -> None:
    world.channel("slack", receiver.url)
    world.tell()
    with world.engine.begin() as tx:
        assert len(notifications.claim(tx, to_datetime(world.clock.now_ms()), put_off=timedelta(seconds=90))) == 1
    assert world.deliverer().deliver() == 0
    world.clock.advance(90_000)
    assert world.deliverer().deliver() == 1


def test_a_changed_master_key_file_is_said_and_shows_no_address(world: World, receiver: Receiver) -> None:
    channel = world.channel("slack", receiver.url + "/services/geheim")
    assert world.settings.master_key_file is not None
    write_keys(world.settings.master_key_file, [b"x" * 32])
    world.tell()
    world.deliverer().deliver()
    (state,) = world.log(channel)
    assert state.answer == "its address cannot be opened; enter it again"


def test_an_address_is_sealed_in_the_table(world: World) -> None:
    world.channel("slack", "https://hooks.example.com/services/geheim")
    with world.engine.begin() as tx:
        (channel,) = notifications.channels(tx, world.user_id)
        stored = str(tx.execute(text("select c::text from notification_channels c")).all())
    assert b"geheim".hex() not in stored
    assert "geheim" not in stored + repr(channel)


def test_nobody_removes_or_reads_anothers_channel(world: World) -> None:
    channel = world.channel("slack", "https://hooks.example.com/x")
    world.tell()
    stranger = uuid4()
    with world.engine.begin() as tx:
        assert list(notifications.deliveries(tx, stranger, channel)) == []
        with pytest.raises(notifications.NotFound):
            notifications.remove_channel(tx, stranger, channel)
        notifications.remove_channel(tx, world.user_id, channel)
        assert list(notifications.channels(tx, world.user_id)) == []
