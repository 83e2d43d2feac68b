"""What the cron language accepts, rejects and warns of."""

import pytest

from tidewheel.logic.cron.errors import CronError
from tidewheel.logic.cron.expression import MACROS, parse
from tidewheel.logic.cron.lint import lint


def values(bits):
    return [value for value in range(bits.bit_length()) if bits >> value & 1]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("* * * * *", list(range(60))),
        ("*,5 * * * *", list(range(60))),
        ("1,2 * * * *", [1, 2]),
        ("5/15 * * * *", [5, 20, 35, 50]),
        ("1-10/3,40 * * * *", [1, 4, 7, 10, 40]),
        ("*/20,*/30 * * * *", [0, 20, 30, 40]),
        ("007 * * * *", [7]),
        ("*/60 * * * *", [0]),
        ("0-30/45 * * * *", [0]),
        ("55-5 * * * *", [0, 1, 2, 3, 4, 5, 55, 56, 57, 58, 59]),
        ("50-10/7 * * * *", [4, 50, 57]),
        ("3-3 * * * *", [3]),
    ],
)
def test_minutes(text, minutes):
    assert values(parse(text).minutes) == minutes


@pytest.mark.parametrize(
    ("text", "weekdays"),
    [
        ("0 0 * * 0", [0]),
        ("0 0 * * 7", [0]),
        ("0 0 * * 0,7", [0]),
        ("0 0 * * 5-7", [0, 5, 6]),
        ("0 0 * * 6-1", [0, 1, 6]),
        ("0 0 * * 7-1", [0, 1]),
        ("0 0 * * 7-7", [0]),
        ("0 0 * * mon-FRI", [1, 2, 3, 4, 5]),
        ("0 0 * * sun-tue", [0, 1, 2]),
        ("0 0 * * sat-sun", [0, 6]),
        ("0 0 * * mon,3", [1, 3]),
        ("0 0 * * mon/2", [1, 3, 5]),
        ("0 0 * * 7/2", [0, 2, 4, 6]),
        ("0 0 * * 5/2", [5]),
        ("0 0 * * 1-wed", [1, 2, 3]),
        ("0 0 ? * */2", [0, 2, 4, 6]),
    ],
)
def test_weekdays(text, weekdays):
    expression = parse(text)
    assert values(expression.weekdays) == weekdays
    assert expression.days == 0


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("0 0 1 JAN,jul *", [1, 7]),
        ("0 0 1 nov-feb *", [1, 2, 11, 12]),
        ("0 0 1 nov-feb/2 *", [1, 11]),
        ("0 0 1 jan/3 *", [1, 4, 7, 10]),
        ("0 0 1 1-mar *", [1, 2, 3]),
        ("0 0 1 */12 *", [1]),
    ],
)
def test_months(text, months):
    assert values(parse(text).months) == months


@pytest.mark.parametrize(
    ("text", "days", "last_day"),
    [
        ("0 0 L * *", [], True),
        ("0 0 l * ?", [], True),
        ("0 0 1,L * *", [1], True),
        ("0 0 29-L * *", [29, 30, 31], False),
        ("0 0 28-3 * *", [1, 2, 3, 28, 29, 30, 31], False),
        ("0 0 5/10 * *", [5, 15, 25], False),
        ("0 0 29 2 *", [29], False),
    ],
)
def test_days(text, days, last_day):
    expression = parse(text)
    assert values(expression.days) == days
    assert expression.last_day is last_day
    assert not (expression.weekdays or expression.nth_weekdays or expression.last_weekdays)


def test_nth_and_last_weekdays():
    assert values(parse("0 0 * * 1#2").nth_weekdays) == [5 * 1 + 1]
    assert values(parse("0 0 * * mon#1,5#5").nth_weekdays) == [5, 29]
    assert parse("0 0 * * sun#1") == parse("0 0 * * 7#1") == parse("0 0 ? * 0#1") == parse("0 0 1-31 * 0#1")
    assert values(parse("0 0 * * L5,l1").last_weekdays) == [1, 5]
    assert parse("0 0 * * L7") == parse("0 0 * * L0")
    mixed = parse("0 0 * * L5,1#1")
    assert (values(mixed.last_weekdays), values(mixed.nth_weekdays)) == ([5], [5])


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("@daily", "0 0 * * *"),
        ("@DAILY", "@midnight"),
        ("@weekly", "0 0 * * sun"),
        ("@hourly", "0 */1 * * *"),
        (" 0\t0   * *\n*\n", "0 0 * * *"),
        ("0 0 ? * ?", "0 0 * * *"),
        ("0 0 13 * 0-6", "0 0 * * *"),  # either day field suffices, and every weekday matches
        ("0 0 1-31 * 1", "0 0 * * *"),
        ("0 0 */1 * 1", "0 0 * * *"),  # a stepped star restricts its field, so both are restricted
        ("0 0 *,5 * 1", "0 0 * * 1"),
        ("0 0 */2 * */1", "0 0 */2 * *"),  # beside a stepped star, a field that names everything is none
        ("0 0 */2 * 0-6", "0 0 */2 * *"),
        ("0 0 */1 * */2", "0 0 * * */2"),
        ("0 0 */1 * */1", "0 0 * * *"),
        ("0 0 1-31/2 * */1", "0 0 * * *"),
        ("0 0-23 * * *", "0 * * * *"),
        ("0 0 * * 1,1", "0 0 * * 1"),
    ],
)
def test_strings_that_mean_the_same_are_equal(text, same):
    assert parse(text) == parse(same)


def test_every_macro_is_read():
    assert all(parse(macro).minutes == 1 for macro in MACROS)


def test_either_day_field_is_enough():
    expression = parse("0 0 13 * 5")
    assert (values(expression.days), values(expression.weekdays)) == ([13], [5])


@pytest.mark.parametrize("text", ["0 * * * *", "*/15 0-23 * * 1", "0 0,1-23 1 1 *"])
def test_all_hours_make_the_hourly_class(text):
    assert parse(text).is_hourly


@pytest.mark.parametrize("text", ["0 */2 * * *", "0 1-23 * * *", "0 0 * * *"])
def test_anything_else_is_the_daily_class(text):
    assert not parse(text).is_hourly


@pytest.mark.parametrize(
    "text",
    [
        *("", "  ", "* * * *", "* * * * * *", "0 0 0 1 1 * 2024"),
        *("@reboot", "@every 5m", "@ daily", "@", "daily"),
        *(
            "1,,2 * * * *",
            "-5 * * * *",
            "1.5 * * * *",
            "*/0 * * * *",
            "*/ * * * *",
            "+5 * * * *",
            "1_0 * * * *",
        ),
        *("*-5 * * * *", "1-5-7 * * * *", "*/5/2 * * * *", "*/5-10 * * * *", "1- * * * *", "٥ * * * *"),
        *("60 * * * *", "0 24 * * *", "0 0 0 * *", "0 0 32 * *", "0 0 1 0 *", "0 0 1 13 *", "0 0 * * 8"),
        *("0 0 * * monday", "0 0 1 january *", "0 0 * * mo", "mon * * * *", "0 0 jan * *"),
        *("? * * * *", "0 0 1 ? *", "0 0 ?/2 * *", "0 0 ?,1 * *"),
        *("0 0 L-3 * *", "0 0 15W * *", "0 0 LW * *", "0 0 LL * *", "0 0 L/2 * *", "0 0 * L *", "L * * * *"),
        *("0 0 * * 5L", "0 0 * * L8", "0 0 * * Lfri", "0 0 * * L", "0 0 * * L5,1", "0 0 * * 1,L5"),
        *("0 0 * * 1#6", "0 0 * * 1#0", "0 0 * * 1#", "0 0 * * 8#1", "0 0 * * 1-5#2", "0 0 * * 1#1,3"),
        *("0 0 1 * 1#1", "0 0 L * 1#1", "0 0 1 * L5", "0 0 */2 * 5#1"),  # the day of month would be ignored
        *("R * * * *", "r/5 * * * *", "R(0-5) * * * *", "H * * * *", "H(0-29) * * * *", "0 0 * * R"),
        *("*/61 * * * *", "*/90 * * * *", "0 */25 * * *", "5/70 * * * *", "0 0 */32 * *", "0 0 * * */8"),
        *("0 0 30 2 *", "0 0 31 2 *", "0 0 30,31 2 *", "0 0 31 4 *", "0 0 31 2,4 *", "0 0 31 4,6,9,11 *"),
    ],
)
def test_rejected(text):
    with pytest.raises(CronError, match=r"expected .+, got .+; .+") as caught:
        parse(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("*/90 * * * *", "at most 60 in the minute field, got '*/90'"),
        ("0 0 31 4 *", "this date never comes"),
        ("0 0 1 * 1#1", "two cron strings"),
        ("0 0 * * monday", "one of sun, mon"),
        ("0 25 * * *", "between 0 and 23 in the hour field, got '25'"),
        ("* * * *", "five fields"),
        ("R * * * *", "random"),
        ("@reboot", "@daily"),
    ],
)
def test_messages_name_what_to_do(text, words):
    with pytest.raises(CronError) as caught:
        parse(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("0 6 * * 1-5", []),
        ("*/15 * * * *", []),
        ("0 */6 * * *", []),
        ("5/15 * * * *", []),
        ("0 0 1 * *", []),
        ("0 0 28-31 * *", []),
        ("0 0 L * *", []),
        ("0 0 * * 1#1", []),
        ("@daily", []),
        ("0 0 13 * 5", ["day_rule_or"]),
        ("0 0 */2 * */1", ["uneven_step"]),
        ("0 0 */2 * 1", ["uneven_step", "day_rule_or"]),
        ("0 22-2 * * *", ["wrapped_range"]),
        ("0 0 * * 5-1", ["wrapped_range"]),
        ("0 0 * * 5-7", []),
        ("*/7 * * * *", ["uneven_step"]),
        ("0 */5 * * *", ["uneven_step"]),
        ("0 0 */2 * *", ["uneven_step"]),
        ("*/60 * * * *", ["step_without_effect"]),
        ("0-30/45 * * * *", ["step_without_effect"]),
        ("3-3 * * * *", ["single_value_range"]),
        ("0 0 31 * *", ["short_months"]),
        ("0 0 29 * *", ["short_months"]),
        ("0 0 31 1,3 *", []),
        ("0 0 29 2 *", ["leap_day"]),
        ("0 0 31 4 5", ["day_rule_or", "impossible_day"]),
    ],
)
def test_lint(text, codes):
    assert [warning.code for warning in lint(text)] == codes


def test_lint_says_what_a_string_means():
    (warning,) = lint("0 22-2 * * *")
    assert "22, 23, 0, 1, 2" in warning.message
    (warning,) = lint("0 0 * * fri-mon")
    assert "fri, sat, sun, mon" in warning.message


def test_lint_rejects_what_parse_rejects():
    with pytest.raises(CronError):
        lint("61 * * * *")
