import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_snpore.in_situ.wording import with_error as in_situ_with_error
from napari_snpore.numerals import error_text, number, percent, signed, with_error

FINITE = st.floats(-1e9, 1e9)
SMALL = st.floats(-1e-3, 1e-3) | FINITE | st.just(-0.0)
ERRORS = st.floats(0, 1e6) | st.floats(0, 1e-3)
ZERO_WITH_SIGN = re.compile(r"[-\N{MINUS SIGN}+]0(\.0*)?(?![\d.])")
ZERO_ERROR = re.compile(r"± 0(\.0*)?(?![\d.])")


@given(SMALL, st.integers(0, 4))
def test_zero_has_no_sign_in_any_format(value, decimals):
    for text in (number(value), signed(value, decimals), percent(value)):
        assert not ZERO_WITH_SIGN.search(text), text


@given(SMALL, st.integers(0, 4))
def test_a_rounded_number_is_within_half_of_its_last_digit(value, decimals):
    shown = float(signed(value, decimals).replace("\N{MINUS SIGN}", "-"))
    assert abs(shown - value) <= 0.5 * 10.0**-decimals + 1e-12 * abs(value)


@given(SMALL, ERRORS, st.integers(0, 3))
def test_an_error_is_never_zero(value, error, decimals):
    text = with_error(value, error, decimals)
    assert not ZERO_ERROR.search(text), text
    assert not ZERO_WITH_SIGN.search(text), text


@given(SMALL, ERRORS, st.booleans())
def test_in_situ_numbers_follow_the_same_rules(value, error, sign):
    text = in_situ_with_error(value, error, sign=sign)
    assert not ZERO_ERROR.search(text), text
    assert not ZERO_WITH_SIGN.search(text), text


@given(st.floats(0, 0.0499))
def test_an_error_below_the_last_digit_is_a_limit(error):
    assert error_text(error) == "< 0.1"


@given(st.floats(1e-4, 99.9), st.integers(2, 4))
def test_a_number_has_all_its_digits_whichever_way_it_is_rounded(value, digits):
    shown = number(value, digits).replace(".", "").lstrip("0")
    assert len(shown) in (digits, digits + 1 if value >= 10 ** (digits - 1) - 0.5 else digits)
    assert float(number(value, digits)) == pytest.approx(value, rel=0.5 * 10.0 ** (1 - digits))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (with_error(12.34, 0.26), "12.3 ± 0.3"),
        (with_error(-1.25, 1.0, 2), "\N{MINUS SIGN}1.25 ± 1.00"),
        (with_error(12.34, math.nan), "12.3"),
        (with_error(math.nan, 0.1), "–"),
        (percent(-0.00001), "0.0 %"),
        (percent(np.float64(0.125)), "12.5 %"),
        (signed(-3.0, 1), "\N{MINUS SIGN}3.0"),
        (number(-0.0), "0.00"),
        (number(0.1996, 2), "0.20"),
        (number(0.0012996, 4), "0.001300"),
        (number(9.996), "10.0"),
        (error_text(math.inf), "–"),
    ],
)
def test_examples_written_by_hand(text, expected):
    assert text == expected
