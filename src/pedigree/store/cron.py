"""Schedules: cron expressions and the moments at which they tick. Times are UTC seconds.

Accepted: five fields (minute hour day-of-month month day-of-week) with `*`, `?`, lists, ranges, steps and
English names; `@yearly @annually @monthly @weekly @daily @midnight @hourly`; `@every 90s`; `@never`.
`CRON_TZ=Europe/Rome ` (or `TZ=`) in front reads the fields in that zone. As in Unix, a day
matches when either day field does, unless one of them starts with `*` or `?`.

In a zone with daylight saving, a local time that is skipped ticks at no time that day; one that comes twice
ticks once, the first time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from pedigree.errors import InvalidInput
from pedigree.store.quantities import duration_s

_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

#: Days searched for the next match. The rarest day, 29 February on a given weekday, comes at least every 40
#: years (2072 to 2112 jumps over 2100); a search that long that finds nothing means never, as for 30
#: February.
_HORIZON_DAYS = 41 * 366


@dataclass(frozen=True, slots=True)
class Schedule:
    """A parsed expression: `every_s`, or the numbers of the five fields, or neither of them (`@never`)."""

    text: str
    every_s: float | None = None
    minutes: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()
    days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    any_day: bool = False
    zone: tzinfo = UTC

    def next(self, after: float) -> float | None:
        """The first tick later than `after`, or None when there is none."""
        if self.every_s is not None:
            return after + self.every_s
        if not self.minutes:
            return None
        local = datetime.fromtimestamp(after, self.zone)
        day = local.date()
        for _ in range(_HORIZON_DAYS):
            if self._matches(day):
                for moment in self._moments(day):
                    if moment > after:
                        return moment
            try:
                day += timedelta(days=1)
            except OverflowError:
                return None
        return None

    def ticks(self, after: float, until: float) -> Iterator[float]:
        """Every tick later than `after` and not later than `until`, in order."""
        moment = self.next(after)
        while moment is not None and moment <= until:
            yield moment
            moment = self.next(moment)

    def _matches(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        in_month = day.day in self.days
        in_week = (day.weekday() + 1) % 7 in self.weekdays
        return (in_month and in_week) if self.any_day else (in_month or in_week)

    def _moments(self, day: date) -> Iterator[float]:
        for hour in self.hours:
            for minute in self.minutes:
                local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone)
                moment = local.timestamp()
                # A local time that the clocks jump over comes back from UTC as another one.
                if datetime.fromtimestamp(moment, self.zone).replace(tzinfo=None) == local.replace(tzinfo=None):
                    yield moment


def parse(text: str) -> Schedule:
    """The schedule that the expression means. Raises InvalidInput naming the field that is wrong."""
    zone: tzinfo = UTC
    body = text.strip()
    for mark in ("CRON_TZ=", "TZ="):
        if body.startswith(mark):
            name, _, body = body[len(mark) :].partition(" ")
            zone, body = _zone(name, text), body.strip()
    if body == "@never":
        return Schedule(text)
    if body.startswith("@every "):
        try:
            every_s = duration_s(body.removeprefix("@every ").strip())
        except ValueError as error:
            raise _invalid(text, f"@every takes {error}") from error
        # Ticks are named by their second, so a shorter interval would put two ticks into one file.
        return Schedule(text, every_s=max(1.0, every_s))
    if body.startswith("@") and body not in _NAMED:
        raise _invalid(text, f"@ is followed by one of {', '.join([*_NAMED, '@every DURATION', '@never'])}")
    fields = _NAMED.get(body, body).split()
    if len(fields) != 5:
        raise _invalid(text, f"five fields (minute hour day month weekday) are expected, got {len(fields)}")
    minute, hour, day, month, weekday = fields
    return Schedule(
        text,
        minutes=tuple(sorted(_numbers(text, "minute", minute, 0, 59))),
        hours=tuple(sorted(_numbers(text, "hour", hour, 0, 23))),
        days=_numbers(text, "day of month", day, 1, 31),
        months=_numbers(text, "month", month, 1, 12, _MONTHS),
        weekdays=frozenset(number % 7 for number in _numbers(text, "day of week", weekday, 0, 7, _DAYS)),
        any_day=day[0] in "*?" or weekday[0] in "*?",
        zone=zone,
    )


def tick_name(moment: float) -> str:
    """Name of the file that stands for a tick: its time in RFC 3339, UTC, whole seconds."""
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def tick_time(name: str) -> float | None:
    """The moment whose `tick_name` this is, or None for a file that is not named by a time."""
    try:
        moment = datetime.fromisoformat(name)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.timestamp()


def _numbers(text: str, field: str, value: str, low: int, high: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    found: set[int] = set()
    for part in value.split(","):
        span, slash, step_text = part.partition("/")
        if slash and not (step_text.isascii() and step_text.isdigit() and int(step_text) > 0):
            raise _invalid(text, f"the step in {field} {part!r} must be a whole number above zero")
        first_text, dash, last_text = span.partition("-")
        # Day of week 7 is Sunday too, but `*` and open ranges end at Saturday, or Sunday would be met twice.
        top = 6 if high == 7 else high
        if span in ("*", "?"):
            first, last = low, top
        else:
            first = _number(text, field, first_text, low, high, names)
            last = _number(text, field, last_text, low, high, names) if dash else (top if slash else first)
        if last < first:
            raise _invalid(text, f"the range {span!r} in {field} runs backwards")
        found.update(range(first, last + 1, int(step_text) if slash else 1))
    return frozenset(found)


def _number(text: str, field: str, word: str, low: int, high: int, names: tuple[str, ...]) -> int:
    if word.lower() in names:
        return names.index(word.lower()) + (1 if names is _MONTHS else 0)
    if not (word.isascii() and word.isdigit() and low <= int(word) <= high):
        raise _invalid(text, f"{field} takes {low} to {high}, got {word!r}")
    return int(word)


def _zone(name: str, text: str) -> tzinfo:
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _invalid(text, f"the time zone {name!r} is not known") from error


def _invalid(text: str, reason: str) -> InvalidInput:
    return InvalidInput(
        f"The schedule {text!r} cannot be read: {reason}.",
        remedy='Write for example "*/10 * * * *" (every ten minutes), "@daily" or "@every 90s".',
    )
