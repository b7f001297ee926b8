"""Schedules against hand-worked calendars and a minute-by-minute oracle."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedigree.errors import InvalidInput
from pedigree.store import cron


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def following(spec: str, after: str) -> str | None:
    moment = cron.parse(spec).next(at(after))
    return None if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@pytest.mark.parametrize(
    ("spec", "after", "expected"),
    [
        ("* * * * *", "2026-01-01T00:00:00", "2026-01-01T00:01:00"),
        ("*/15 * * * *", "2026-01-01T00:46:10", "2026-01-01T01:00:00"),
        ("5/20 * * * *", "2026-01-01T00:06:00", "2026-01-01T00:25:00"),
        ("0 9-17/4 * * MON-FRI", "2026-01-02T17:00:00", "2026-01-05T09:00:00"),
        ("30 4 1,15 * *", "2026-01-02T00:00:00", "2026-01-15T04:30:00"),
        ("0 0 29 2 *", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
        ("0 0 29 2 *", "2096-03-01T00:00:00", "2104-02-29T00:00:00"),
        ("0 0 30 2 *", "2026-01-01T00:00:00", None),
        ("0 0 13 * FRI", "2026-01-03T00:00:00", "2026-01-09T00:00:00"),
        ("0 0 * * 7", "2026-01-01T00:00:00", "2026-01-04T00:00:00"),
        ("0 0 ? jan ?", "2026-02-01T00:00:00", "2027-01-01T00:00:00"),
        ("@yearly", "2026-01-01T00:00:00", "2027-01-01T00:00:00"),
        ("@monthly", "2026-01-31T12:00:00", "2026-02-01T00:00:00"),
        ("@weekly", "2026-01-01T00:00:00", "2026-01-04T00:00:00"),
        ("@daily", "2026-01-01T00:00:00", "2026-01-02T00:00:00"),
        ("@hourly", "2026-01-01T00:30:00", "2026-01-01T01:00:00"),
        ("@every 90s", "2026-01-01T00:00:30", "2026-01-01T00:02:00"),
        ("@never", "2026-01-01T00:00:00", None),
        ("CRON_TZ=Asia/Tokyo 0 9 * * *", "2026-01-01T00:00:01", "2026-01-02T00:00:00"),
        # 02:30 on 29 March 2026 does not exist in Rome; 02:30 on 25 October comes twice.
        ("TZ=Europe/Rome 30 2 * * *", "2026-03-28T12:00:00", "2026-03-30T00:30:00"),
        ("TZ=Europe/Rome 30 2 * * *", "2026-10-25T00:30:00", "2026-10-26T01:30:00"),
    ],
)
def test_the_next_tick_is_the_one_in_the_calendar(spec: str, after: str, expected: str | None) -> None:
    """13 or Friday: either matches when both are given. Break: demand both, or take `>=` for `>`."""
    assert following(spec, after) == expected


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["*", "*/7", "3", "1-20/6", "0,30"]),
    st.sampled_from(["*", "*/5", "23", "8-10"]),
    st.sampled_from(["*", "1", "10-20/3", "31"]),
    st.sampled_from(["*", "2,12", "3-4"]),
    st.sampled_from(["*", "0", "1-5", "6"]),
    st.integers(0, 4 * 365 * 1440),
)
def test_no_minute_between_two_ticks_matches(
    minute: str, hour: str, day: str, month: str, weekday: str, start: int
) -> None:
    """The oracle asks every minute of three days. Break: begin the search at the next hour."""

    def matches(field: str, number: int, low: int, high: int) -> bool:
        for part in field.split(","):
            span, _, step = part.partition("/")
            first, _, last = span.partition("-")
            one = low if span == "*" else int(first)
            end = high if span == "*" or (step and not last) else int(last or first)
            if one <= number <= end and (number - one) % int(step or 1) == 0:
                return True
        return False

    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=start)
    expected = None
    for _ in range(3 * 1440):
        moment += timedelta(minutes=1)
        days = matches(day, moment.day, 1, 31), matches(weekday, (moment.weekday() + 1) % 7, 0, 6)
        if (
            matches(minute, moment.minute, 0, 59)
            and matches(hour, moment.hour, 0, 23)
            and matches(month, moment.month, 1, 12)
            and (all(days) if "*" in day + weekday else any(days))
        ):
            expected = moment.timestamp()
            break
    begin = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=start)).timestamp()
    found = cron.parse(f"{minute} {hour} {day} {month} {weekday}").next(begin)
    if expected is None:
        assert found is None or found > moment.timestamp()
    else:
        assert found == expected


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("* * * *", "five fields"),
        ("60 * * * *", "minute takes 0 to 59"),
        ("* 24 * * *", "hour takes 0 to 23"),
        ("* * 0 * *", "day of month takes 1 to 31"),
        ("* * * 13 *", "month takes 1 to 12"),
        ("* * * * 8", "day of week takes 0 to 7"),
        ("* * * * lundi", "day of week takes 0 to 7"),
        ("5-1 * * * *", "runs backwards"),
        ("*/0 * * * *", "above zero"),
        ("@every soon", "duration above zero"),
        ("@sometimes", "followed by one of"),
        ("TZ=Nowhere/City @daily", "time zone"),
        ("TZ=../../etc/passwd @daily", "time zone"),
        ("", "five fields"),
    ],
)
def test_a_schedule_that_cannot_be_read_is_refused_naming_the_field(spec: str, message: str) -> None:
    """Break: drop the range check of numbers."""
    with pytest.raises(InvalidInput, match=message) as caught:
        cron.parse(spec)
    assert caught.value.remedy


def test_ticks_are_those_after_one_moment_up_to_another() -> None:
    """Break: leave out the last moment, or include the first."""
    schedule = cron.parse("@hourly")
    found = list(schedule.ticks(at("2026-01-01T00:00:00"), at("2026-01-01T03:00:00")))
    assert found == [at("2026-01-01T01:00:00"), at("2026-01-01T02:00:00"), at("2026-01-01T03:00:00")]


def test_a_tick_is_named_by_its_time_and_back() -> None:
    moment = at("2026-01-31T23:59:59")
    assert cron.tick_name(moment + 0.4) == "2026-01-31T23:59:59Z"
    assert cron.tick_time(cron.tick_name(moment)) == moment
    assert cron.tick_time("readme.txt") is None
