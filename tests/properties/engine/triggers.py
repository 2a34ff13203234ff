"""Random triggers: every operator, signal, group and common field of the grammar."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.oracle.records import TriggerText
from tests.properties.engine.dice import Dice

CRYPTO, STOCK = "BINANCE:BTCUSDT", "AAPL"
SYMBOLS = (CRYPTO, STOCK)
ONE_SIDED = (">", ">=", "<", "<=", "crosses_above", "crosses_below")
FIELDS = (
    "price", "price", "price", "close@1m", "open@5m", "high@1m", "low@5m", "volume@1m", "vwap@5m", "close@15m",
    "high@1h", "low@4h", "close@1d",
)  # fmt: skip
INDICATORS = (
    "SMA_2@1m", "SMA_3@1m", "EMA_3@1m", "RSI_2@1m", "BBANDS_3_2.upper@1m", "BBANDS_3_2.lower@1m", "ATR_2@1m",
    "MACD_2_3_2.line@1m", "MACD_2_3_2.histogram@1m", "STOCH_3_2_2.k@1m", "STOCH_2_2.d@1m", "ADX_2@1m", "ROC_2@1m",
    "OBV@1m", "SMA_2@5m", "EMA_2@5m", "RSI_2@5m", "WMA_3@1m", "HMA_4@1m", "DEMA_2@1m", "TEMA_2@1m", "KAMA_2@1m",
    "NATR_2@1m", "TR@1m", "KELTNER_2_1_2.upper@1m", "WILLR_3@1m", "DONCHIAN_2.middle@1m", "AROON_2.up@1m",
    "AROON_3.down@1m", "PLUSDI_2@1m", "MINUSDI_2@1m", "MOM_2@1m", "SLOPE_3@1m", "STDDEV_3@1m", "ZSCORE_3@1m", "AD@1m",
    "STOCHRSI_2_2_2.k@1m", "STOCHRSI_2_2_2_2.d@1m", "CCI_3@1m", "VWAP@1m", "VWAP@5m", "SUPERTREND_2_1.line@1m",
    "SUPERTREND_2_1.direction@1m", "SAR@1m", "SAR_0.1_0.4@1m", "ICHIMOKU_2_2_3.base@1m", "ICHIMOKU_2_2_3.span_a@1m",
    "PIVOT.p@1m", "PIVOT.r1@5m",
    "CMF_2@1m", "MFI_2@1m", "RVOL_2@1m", "SMA_5@1m", "RSI_4@1m",
)  # fmt: skip
LIFE = ("cooldown_seconds", "max_firings_per_session", "max_firings", "valid_from", "valid_until")
KEYWORDS = ("guidance", "Acme", "cuts", "ACME cuts", "growth", "lawsuit", "beats", "guid")
LEVELS = (98.0, 99.0, 99.5, 100.0, 100.0, 100.5, 101.0, 102.0)
LEVELS_OF = {
    "RSI": (20.0, 35.0, 50.0, 65.0, 80.0), "STOCH": (20.0, 50.0, 80.0), "ADX": (20.0, 30.0, 50.0),
    "PLUSDI": (10.0, 20.0, 40.0), "MINUSDI": (10.0, 20.0, 40.0), "AROON": (30.0, 70.0), "MFI": (20.0, 50.0, 80.0),
    "MACD": (-0.5, -0.1, 0.0, 0.1, 0.5), "ROC": (-1.0, -0.5, 0.0, 0.5, 1.0), "MOM": (-1.0, -0.5, 0.0, 0.5, 1.0),
    "SLOPE": (-0.5, 0.0, 0.5), "ZSCORE": (-1.0, 0.0, 1.0), "CMF": (-0.5, 0.0, 0.5), "WILLR": (-80.0, -50.0, -20.0),
    "ATR": (0.2, 0.5, 1.0), "NATR": (0.2, 0.5, 1.0), "TR": (0.2, 0.5, 1.0), "STDDEV": (0.2, 0.5, 1.0),
    "CCI": (-66.0, 0.0, 66.0), "STOCHRSI": (20.0, 50.0, 80.0), "SUPERTREND.direction": (0.0,),
    "RVOL": (0.5, 1.0, 2.0), "volume": (1.0, 3.0, 5.0, 10.0), "OBV": (-3.0, 0.0, 3.0, 10.0),
    "AD": (-3.0, 0.0, 3.0, 10.0),
}  # fmt: skip


def one_in(dice: Dice, n: int) -> bool:
    return dice.number(1, n) == n


def level(dice: Dice, operand: str) -> float:
    """Return a threshold near which an operand of a tape around 100 moves."""
    column = operand.partition("@")[0]
    name = "SUPERTREND.direction" if column.endswith(".direction") else column.partition("_")[0]
    return dice.pick(LEVELS_OF.get(name, LEVELS))


def leaf(dice: Dice, operands: tuple[str, ...]) -> dict[str, Any]:
    left = dice.pick(operands)
    found: dict[str, Any] = {"operand": left}
    shape = dice.pick(("number", "number", "number", "operand", "range", "pct"))
    if shape in ("number", "operand"):
        operator = dice.pick(ONE_SIDED)
        found |= {"operator": operator, "value": level(dice, left) if shape == "number" else dice.pick(operands)}
        if one_in(dice, 4):
            found["hysteresis"] = dice.pick((0.5, 1.0, 10.0))
        if operator.startswith("crosses"):
            found["within_candles"] = dice.number(1, 3)
    elif shape == "range":
        bounds: list[Any] = sorted([level(dice, left), level(dice, left)])
        if one_in(dice, 4):
            bounds[dice.number(0, 1)] = dice.pick(operands)
        found |= {"operator": dice.pick(("inside", "outside")), "value": bounds}
    else:
        operator = dice.pick(("rises_by_pct", "falls_by_pct"))
        found |= {"operator": operator, "value": dice.pick((0.25, 0.5, 1, 2)), "candles": dice.number(1, 3)}
    if one_in(dice, 3):
        found["timeframe"] = dice.pick(("1m", "5m", "15m", "1h"))
    return found


def signal(dice: Dice) -> dict[str, Any]:
    if one_in(dice, 2):
        return {
            "indicator": dice.pick(("MACD_2_3_2", "STOCH_3_2_2", "MACD_2_3_2@5m")),
            "signal": dice.pick(("bullish_crossover", "bearish_crossover")),
            "within_candles": dice.number(1, 2),
        }
    return {
        "indicator": dice.pick(("SMA", "EMA@1m")),
        "signal": dice.pick(("golden_cross", "death_cross")),
        "fast": 2,
        "slow": 3,
    }


def node(dice: Dice, operands: tuple[str, ...], depth: int = 0) -> dict[str, Any]:
    if depth < 3 and one_in(dice, 3):
        kind = dice.pick(("not", "all", "any"))
        if kind == "not":
            return {"not": node(dice, operands, depth + 1)}
        return {kind: [node(dice, operands, depth + 1) for _ in range(dice.number(1, 3))]}
    if operands is not FIELDS and one_in(dice, 6):
        return signal(dice)
    return leaf(dice, operands)


def common(dice: Dice, start_ms: int) -> dict[str, Any]:
    """Return the common fields: always a timeframe, now and then one of the others."""

    def iso(offset_ms: int) -> str:
        return datetime.fromtimestamp((start_ms + offset_ms) / 1000, UTC).isoformat()

    found: dict[str, Any] = {
        "timeframe": dice.pick(("1m", "1m", "1m", "5m", "15m", "1h", "4h", "1d")),
        "fire": dice.pick(("every_edge", "every_edge", "every_edge", "once_per_candle", "once")),
    }
    rare: dict[str, tuple[Any, ...]] = {
        "cooldown_seconds": (5, 30, 60, 3600),
        "max_firings_per_session": (1, 2, 3),
        "max_firings": (1, 2, 3),
        "session": ("regular", "extended"),
        "rearm": ("on_false", "next_session", "manual"),
        "after_gap": ("baseline", "fire", "fire"),
        "require_stable": (True, False),
        "valid_from": (iso(60_000),),
        "valid_until": (iso(240_000),),
    }
    for key, choices in rare.items():
        if one_in(dice, 7):
            found[key] = dice.pick(choices)
    return found


def config(dice: Dice, start_ms: int, operands: tuple[str, ...]) -> dict[str, Any]:
    """Return the config of a technical trigger."""
    found = common(dice, start_ms)
    is_closed = one_in(dice, 4)
    if is_closed:
        found |= {"evaluate": "candle_close", "timeframe": dice.pick(("1m", "1m", "5m"))}
    if one_in(dice, 4):
        counted = {"candles": dice.number(1, 3)} if is_closed else {"trades": dice.number(1, 3)}
        found["hold"] = dice.pick((counted, {"seconds": 5}, {"seconds": 30}, {"seconds": 0.5}))
    top = node(dice, operands)
    kinds = [k for k in ("all", "any", "not") if k in top]
    if kinds:
        return found | {kinds[0]: top[kinds[0]]}
    more = [leaf(dice, operands)] if one_in(dice, 3) else []
    return found | {"conditions": [top, *more], "logic": dice.pick(("AND", "OR"))}


def schedule(dice: Dice) -> dict[str, Any]:
    """Return when a time trigger is due: near the opens, closes and clock changes at which tapes begin."""
    kind = dice.pick(("market_hours", "specific_time", "cron", "cron"))
    found: dict[str, Any] = {"type": kind}
    if kind == "market_hours":
        found |= {"market": "US", "event": dice.pick(("open", "close")), "offset_minutes": dice.number(-5, 5)}
    elif kind == "specific_time":
        found |= {"time": dice.pick(("09:31", "15:59:30", "12:58", "00:00", "02:30", "01:30:15")),
                  "timezone": dice.pick(("America/New_York", "UTC", "Europe/Berlin"))}  # fmt: skip
        if one_in(dice, 3):
            found["days"] = ["mon", "fri", "sun"]
    else:
        texts = ("*/2 9-10 * * *", "*/2 13-15,20,21 * * *", "30,31 9-16 * * 1-5", "*/15 2 * * *", "0 0 1,10 * *")
        found |= {"expression": dice.pick(texts), "timezone": dice.pick(("America/New_York", "UTC"))}
    if kind != "market_hours" and one_in(dice, 4):
        found["market"] = "US"
    if one_in(dice, 3):
        found["missed"] = "run_once"
    if one_in(dice, 4):
        found["missed_grace_seconds"] = dice.pick((1, 5, 600))
    return found


def news(dice: Dice) -> dict[str, Any]:
    """Return what a news trigger looks for; keywords of one word and of two."""
    found: dict[str, Any] = {}
    match = {kind: [dice.pick(KEYWORDS) for _ in range(dice.number(1, 2))]
             for kind in ("all", "any", "none") if one_in(dice, 3)}  # fmt: skip
    if match:
        found["match"] = {kind: list(dict.fromkeys(words)) for kind, words in match.items()}
    if one_in(dice, 4):
        found["sources"] = ["Reuters"]
    if one_in(dice, 3):
        found["sentiment"] = dice.pick(("positive", "negative", "neutral"))
        if one_in(dice, 2):
            found["sentiment_score"] = dice.pick((1, 2))
    if one_in(dice, 2):
        found["max_age_minutes"] = dice.pick((1, 5, 60))
    return found


def trigger(dice: Dice, start_ms: int, operands: tuple[str, ...], node_id: str, version: int) -> TriggerText:
    symbols = dice.pick(((CRYPTO,), (CRYPTO,), (STOCK,), SYMBOLS))
    if one_in(dice, 5):
        rest = common(dice, start_ms)
        kept = {key: rest[key] for key in LIFE if key in rest}
        if one_in(dice, 2):
            return TriggerText("news_trigger", news(dice) | kept, "p", node_id, version, symbols, "1m")
        return TriggerText("time_trigger", {"schedule": schedule(dice)} | kept, "p", node_id, version, symbols, "1m")
    if one_in(dice, 6):
        found = common(dice, start_ms) | {
            "operator": dice.pick(ONE_SIDED), "value": dice.pick(LEVELS), "operand": dice.pick(FIELDS),
        }  # fmt: skip
        return TriggerText("price_trigger", found, "p", node_id, version, symbols, "1m")
    return TriggerText("technical_trigger", config(dice, start_ms, operands), "p", node_id, version, symbols, "1m")
