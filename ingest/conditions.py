"""Which trades set the price, the high and low, and the volume: the table of trade condition codes (T15).

Flags follow the consolidated-tape rules (CTS 2.11b, UTP 4.1) where they speak; several codes combine by AND.
Codes 12 (odd lot) and 24 (Form T) depend on the session of the print's own time, see `flags_of`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

SETS_LAST, SETS_HIGH_LOW, COUNTS_VOLUME = 1, 2, 4
ALL = SETS_LAST | SETS_HIGH_LOW | COUNTS_VOLUME
HIGH_LOW_AND_VOLUME = SETS_HIGH_LOW | COUNTS_VOLUME
VOLUME = COUNTS_VOLUME
NOTHING = 0
ODD_LOT, FORM_T = 12, 24
UNKNOWN_BIT = 1 << 63
MAX_CODE = 62

OddLots = Literal["session", "never", "always"]

FLAGS: dict[int, int] = {
    1: ALL,  # regular
    2: ALL,  # acquisition
    3: VOLUME,  # average price
    4: ALL,  # bunched
    5: VOLUME,  # cash
    6: ALL,  # distribution
    7: ALL,  # automatic execution
    8: ALL,  # intermarket sweep
    9: HIGH_LOW_AND_VOLUME,  # bunched sold
    10: VOLUME,  # price variation
    11: VOLUME,  # cap election
    12: VOLUME,  # odd lot, in regular hours
    13: ALL,  # rule 127
    14: ALL,  # rule 155
    15: ALL,  # sold last
    16: NOTHING,  # official close
    17: VOLUME,  # next day
    18: ALL,  # opening trade
    19: ALL,  # opening prints
    20: NOTHING,  # official open
    21: HIGH_LOW_AND_VOLUME,  # prior reference price
    22: VOLUME,  # seller
    23: ALL,  # split trade
    24: VOLUME,  # Form T, in regular hours: reported late
    25: VOLUME,  # extended hours out of sequence
    26: VOLUME,  # contingent
    27: VOLUME,  # stock option
    28: ALL,  # cross
    29: ALL,  # yellow flag
    30: HIGH_LOW_AND_VOLUME,  # sold out of sequence
    31: ALL,  # stopped stock
    32: HIGH_LOW_AND_VOLUME,  # derivatively priced
    33: ALL,  # re-opening trade
    34: ALL,  # re-opening prints
    35: ALL,  # closing trade
    36: ALL,  # closing prints
    37: VOLUME,  # qualified contingent
    38: ALL,  # placeholder 611: vetoes nothing
    39: NOTHING,  # corrected consolidated close
    40: ALL,  # opened
    41: ALL,  # trade-through exempt
}


def flags_of(codes: Sequence[int], *, in_regular_hours: bool, odd_lots: OddLots = "session") -> int:
    """Return the flags of a trade with these codes; a code the table does not know leaves volume only.

    Outside regular hours 24 vetoes nothing, and 12 neither (with `odd_lots` session): nearly every print
    there carries both.
    """
    flags = ALL
    for code in codes:
        if code == FORM_T and not in_regular_hours:
            continue
        if code == ODD_LOT and (odd_lots == "always" or (odd_lots == "session" and not in_regular_hours)):
            continue
        flags &= FLAGS.get(code, VOLUME)
    return flags


def bits_of(codes: Sequence[int]) -> int:
    """Return the codes as a 64-bit set: bit n = code n, bit 63 = a code the table does not know."""
    bits = 0
    for code in codes:
        bits |= 1 << code if code in FLAGS else UNKNOWN_BIT
    return bits
