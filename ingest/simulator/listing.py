"""The 66 symbols of the synthetic market: what they cost, how often they trade, how much they move."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000

# (period ms, size in basis points): slow waves make trends, fast ones the minute's life.
_EQUITY_WAVES = (
    (15 * SECOND, 1.5), (MINUTE, 3.0), (5 * MINUTE, 6.0), (20 * MINUTE, 10.0), (HOUR, 18.0), (4 * HOUR, 35.0),
    (DAY, 80.0), (5 * DAY, 150.0), (30 * DAY, 350.0), (180 * DAY, 900.0),
)  # fmt: skip
# Coins swing around their level within minutes, so that the example triggers meet it at any hour.
_COIN_WAVES = (
    (10 * SECOND, 5.0), (30 * SECOND, 9.0), (2 * MINUTE, 7.0), (15 * MINUTE, 3.0), (HOUR, 3.0), (DAY, 3.0),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listing:
    """`per_minute`: trades in an average minute of the regular session; `tick`: smallest price step."""

    symbol: str
    name: str
    level: float
    per_minute: float
    tick: float
    waves: tuple[tuple[int, float], ...]
    is_coin: bool = False

    @property
    def key(self) -> int:
        """Number of the symbol in every hash; stable for ever."""
        return zlib.crc32(self.symbol.encode())

    @property
    def mean_size(self) -> float:
        """Roughly the mean size of a print, in shares or coins."""
        return 4_000.0 / self.level if self.is_coin else 55.0


_US = """
AAPL Apple 232|MSFT Microsoft 428|NVDA Nvidia 141|AMZN Amazon 205|GOOGL Alphabet 172|META Meta 570|TSLA Tesla 338
AVGO Broadcom 172|BRK.B Berkshire 468|JPM JPMorgan 245|LLY Lilly 780|V Visa 309|UNH UnitedHealth 598|XOM Exxon 121
MA Mastercard 525|COST Costco 925|HD HomeDepot 409|PG Procter 172|JNJ Johnson 155|ABBV AbbVie 171|WMT Walmart 88
NFLX Netflix 885|CRM Salesforce 340|BAC BankOfAmerica 46|ORCL Oracle 188|CVX Chevron 160|MRK Merck 99|KO CocaCola 63
AMD AMD 139|PEP PepsiCo 159|TMO ThermoFisher 518|LIN Linde 452|ACN Accenture 360|ADBE Adobe 505|CSCO Cisco 58
MCD McDonalds 291|ABT Abbott 117|WFC WellsFargo 74|GE GE 180|QCOM Qualcomm 158|TXN TexasInstruments 200|INTU Intuit 640
DIS Disney 114|CAT Caterpillar 388|VZ Verizon 42|IBM IBM 210|AMGN Amgen 290|PFE Pfizer 25|NOW ServiceNow 1040
GS GoldmanSachs 590|ISRG Intuitive 540|UBER Uber 70|INTC Intel 24|BA Boeing 148|PLTR Palantir 62|COIN Coinbase 290
F Ford 11|SOFI SoFi 14|SPY S&P500ETF 590|QQQ Nasdaq100ETF 503
"""
_COINS = (
    ("BINANCE:BTCUSDT", "Bitcoin", 64_000.0, 120.0, 0.01), ("BINANCE:ETHUSDT", "Ether", 3_200.0, 110.0, 0.01),
    ("BINANCE:SOLUSDT", "Solana", 150.0, 80.0, 0.01), ("BINANCE:BNBUSDT", "BNB", 600.0, 45.0, 0.01),
    ("BINANCE:XRPUSDT", "XRP", 0.62, 45.0, 0.0001), ("BINANCE:ADAUSDT", "Cardano", 0.45, 40.0, 0.0001),
)  # fmt: skip


def _equities() -> list[Listing]:
    entries = [e for line in _US.strip().splitlines() for e in line.split("|")]
    found: list[Listing] = []
    for rank, entry in enumerate(entries):
        symbol, name, price = entry.split(" ")
        # Activity falls with rank, as it does in any list of names sorted by size.
        per_minute = 60.0 / (1.0 + rank) ** 0.45
        found.append(Listing(symbol, name, float(price), per_minute, 0.01, _EQUITY_WAVES))
    return found


def listings() -> dict[str, Listing]:
    """Return every symbol of the synthetic market."""
    coins = [Listing(s, n, level, rate, tick, _COIN_WAVES, is_coin=True) for s, n, level, rate, tick in _COINS]
    return {one.symbol: one for one in [*_equities(), *coins]}
