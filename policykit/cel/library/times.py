"""Timestamps and durations: parts of a moment in a time zone, parts of a span (cel-go common/stdlib, common/types)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from policykit.cel.arithmetic import moment
from policykit.cel.errors import EvaluationError
from policykit.cel.library import member
from policykit.cel.types import DURATION, INT, STRING, TIMESTAMP
from policykit.cel.values import INT_MAX, INT_MIN, Duration, Timestamp

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

_SECOND = 10**9
_DAY = 86400

#: RFC 3339 as Go's time.Parse takes it: no lower-case letters, a comma for the fraction as well, no leap second.
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d+))?(?:Z|([+-])(\d{2}):(\d{2}))", re.ASCII
)
_DURATION = re.compile(r"(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": _SECOND,
    "m": 60 * _SECOND,
    "h": 3600 * _SECOND,
}


def parse_timestamp(text: str) -> Timestamp:
    """RFC 3339 text to a moment; raises ValueError, and `EvaluationError` outside of the years 1 to 9999."""
    from datetime import date

    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day, hour, minute, second = (int(g) for g in match.groups()[:6])
    fraction, sign, zone_hour, zone_minute = match.groups()[6:]
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(text)
    offset = 0
    if sign:
        if int(zone_hour) > 24 or int(zone_minute) > 60:
            raise ValueError(text)
        offset = (int(zone_hour) * 3600 + int(zone_minute) * 60) * (1 if sign == "+" else -1)
    # Python has no year 0; it is a leap year like 2000, which is 730,485 days later.
    days = date(2000, month, day).toordinal() - 730_485 if year == 0 else date(year, month, day).toordinal()
    seconds = (days - 719_163) * _DAY + hour * 3600 + minute * 60 + second - offset
    return moment(seconds * _SECOND + int((fraction or "")[:9].ljust(9, "0")), offset)


def parse_duration(text: str) -> Duration:
    """Go's time.ParseDuration; raises ValueError."""
    sign, rest = (-1, text[1:]) if text[:1] == "-" else (1, text.removeprefix("+"))
    if rest == "0":
        return Duration(0)
    total = 0
    position = 0
    while position < len(rest):
        match = _DURATION.match(rest, position)
        if match is None or not (match[1] or match[2]) or len(match[1]) > 30:
            raise ValueError(text)
        unit = _UNITS[match[3]]
        fraction = (match[2] or "")[:18]
        total += int(match[1] or "0") * unit + int(fraction or "0") * unit // 10 ** len(fraction)
        position = match.end()
    if not rest or not INT_MIN <= sign * total <= INT_MAX:
        raise ValueError(text)
    return Duration(sign * total)


def timestamp_text(value: Timestamp) -> str:
    """RFC 3339 with as many digits of the second as it takes, in the zone it was written in."""
    seconds, nanoseconds = divmod(value.nanoseconds, _SECOND)
    local = _calendar(seconds + value.offset)
    fraction = f".{nanoseconds:09d}".rstrip("0") if nanoseconds else ""
    sign, offset = ("-", -value.offset) if value.offset < 0 else ("+", value.offset)
    zone = f"{sign}{offset // 3600:02d}:{offset // 60 % 60:02d}" if offset else "Z"
    return f"{local}{fraction}{zone}"


def _calendar(seconds: int) -> str:
    """The date and time of day; a zone may lead just out of the years that Python knows."""
    from datetime import date

    days, second = divmod(seconds, _DAY)
    ordinal = days + 719_163
    if ordinal < 1:
        day = date.fromordinal(ordinal + 730_485).replace(year=2000)
        year = "0000"
    elif ordinal > date.max.toordinal():
        day, year = date.fromordinal(ordinal - 146_097), "10000"
    else:
        day = date.fromordinal(ordinal)
        year = f"{day.year:04d}"
    return f"{year}-{day:%m-%d}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def duration_text(value: Duration) -> str:
    """Seconds as a decimal number: `90s`, `0.5s`; added up from seconds and nanoseconds as Go does it."""
    from policykit.cel.numbers import fixed

    seconds = _whole(value, _SECOND)
    return f"{fixed(seconds + (value.nanoseconds - seconds * _SECOND) / 1e9)}s"


def _zone_offset(zone: str, seconds: int) -> int:
    """Seconds east of UTC of a zone at a moment: `+02:30`, or a name of the IANA database."""
    hours, colon, minutes = zone.partition(":")
    if colon:
        for part in (hours, minutes):
            if not re.fullmatch(r"[+-]?\d{1,18}", part, re.ASCII):
                raise EvaluationError(f'strconv.Atoi: parsing "{part}": invalid syntax')
        east = int(hours) * 60 - int(minutes) if zone.startswith("-") else int(hours) * 60 + int(minutes)
        return east * 60
    if zone in {"", "UTC"}:
        return 0
    from datetime import UTC, datetime, timedelta
    from zoneinfo import ZoneInfo

    try:
        there = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).astimezone(ZoneInfo(zone))
    except (ValueError, OverflowError, OSError, KeyError):
        raise EvaluationError(f"unknown time zone {zone}") from None
    offset = there.utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _in_zone(value: Timestamp, zone: str) -> datetime:
    from datetime import datetime, timedelta

    seconds = value.nanoseconds // _SECOND
    try:
        return datetime(1970, 1, 1) + timedelta(seconds=seconds + _zone_offset(zone, seconds))
    except OverflowError:
        raise EvaluationError("timestamp overflow") from None


def _parts() -> dict[str, Callable[[datetime], int]]:
    return {
        "getFullYear": lambda t: t.year,
        "getMonth": lambda t: t.month - 1,
        "getDayOfYear": lambda t: t.timetuple().tm_yday - 1,
        "getDayOfMonth": lambda t: t.day - 1,
        "getDate": lambda t: t.day,
        "getDayOfWeek": lambda t: t.isoweekday() % 7,
        "getHours": lambda t: t.hour,
        "getMinutes": lambda t: t.minute,
        "getSeconds": lambda t: t.second,
    }


def _getter(name: str, part: Callable[[datetime], int]) -> tuple[Callable[..., int], Callable[..., int]]:
    def at_utc(value: Timestamp) -> int:
        return part(_in_zone(value, "UTC"))

    def in_zone(value: Timestamp, zone: str) -> int:
        return part(_in_zone(value, zone))

    at_utc.__name__, in_zone.__name__ = name, f"{name}_in"
    return at_utc, in_zone


def milliseconds(value: Timestamp) -> int:
    """The milliseconds of the second."""
    return value.nanoseconds // 10**6 % 1000


def milliseconds_in(value: Timestamp, zone: str) -> int:
    """The milliseconds of the second, in a zone (which must be one)."""
    _zone_offset(zone, 0)
    return milliseconds(value)


def _whole(value: Duration, unit: int) -> int:
    whole = abs(value.nanoseconds) // unit
    return whole if value.nanoseconds >= 0 else -whole


def duration_hours(value: Duration) -> int:
    """Whole hours."""
    return _whole(value, 3600 * _SECOND)


def duration_minutes(value: Duration) -> int:
    """Whole minutes."""
    return _whole(value, 60 * _SECOND)


def duration_seconds(value: Duration) -> int:
    """Whole seconds."""
    return _whole(value, _SECOND)


def duration_milliseconds(value: Duration) -> int:
    """Whole milliseconds of the span."""
    return _whole(value, 10**6)


def _overloads() -> list[Any]:
    found = []
    for name, part in _parts().items():
        at_utc, in_zone = _getter(name, part)
        found.append(member(name, (TIMESTAMP,), INT, at_utc))
        found.append(member(name, (TIMESTAMP, STRING), INT, in_zone))
    return found


FUNCTIONS = (
    *_overloads(),
    member("getMilliseconds", (TIMESTAMP,), INT, milliseconds),
    member("getMilliseconds", (TIMESTAMP, STRING), INT, milliseconds_in),
    member("getHours", (DURATION,), INT, duration_hours),
    member("getMinutes", (DURATION,), INT, duration_minutes),
    member("getSeconds", (DURATION,), INT, duration_seconds),
    member("getMilliseconds", (DURATION,), INT, duration_milliseconds),
)
TYPES: dict[str, Any] = {}
