from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_snpore.errors import InputError
from napari_snpore.measurement.columns import COLUMNS, column_of
from napari_snpore.measurement.filters import parse_filter
from napari_snpore.measurement.objects import measure_objects

TABLE = pd.DataFrame(
    {
        "label": [1, 2, 3, 4],
        "length_nm": [1.0, 2.5, 4.0, np.nan],
        "width_nm": [0.5, 1.0, 2.0, 3.0],
        "touches_border": [False, True, False, False],
        "resolved": [False, True, True, True],
        "convention": ["corners"] * 4,
    }
)


@pytest.mark.parametrize(
    ("text", "kept", "canonical"),
    [
        ("", [1, 2, 3, 4], ""),
        ("length_nm > 2", [2, 3], "length_nm > 2"),
        ("length > 2", [2, 3], "length_nm > 2"),
        ("Length, nm", None, None),
        ("2 < length_nm", [2, 3], "length_nm > 2"),
        ("length_nm<=2.5", [1, 2], "length_nm <= 2.5"),
        ("length_nm ≥ 2.5", [2, 3], "length_nm >= 2.5"),
        ("1 <= width_nm <= 2", [2, 3], "width_nm >= 1, width_nm <= 2"),
        ("width_nm 1..2", [2, 3], "width_nm >= 1, width_nm <= 2"),
        ("width_nm 1 to 2", [2, 3], "width_nm >= 1, width_nm <= 2"),
        ("resolved", [2, 3, 4], "resolved"),
        ("not touches_border", [1, 3, 4], "not touches_border"),
        ("not cut by the box and resolved", [3, 4], "not touches_border, resolved"),
        ("resolved = no", [1], "not resolved"),
        ("length_nm > 2, resolved; not touches_border", [3], None),
        ("label != 2", [1, 3, 4], "label != 2"),
        ("convention = corners", [1, 2, 3, 4], "convention = corners"),
    ],
)
def test_conditions_keep_what_they_say(text, kept, canonical):
    if kept is None:
        with pytest.raises(InputError):
            parse_filter(text, TABLE)
        return
    found = parse_filter(text, TABLE)
    assert TABLE["label"][found.mask(TABLE)].tolist() == kept
    if canonical is not None:
        assert str(found) == canonical
    assert parse_filter(str(found), TABLE) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lenght > 2", "'lenght' is no column"),
        ("length_nm > two", "'two' is no number"),
        ("length_nm", "no yes or no"),
        ("resolved > 2", "yes or no"),
        ("length_nm > ", "cannot be read"),
        ("convention > corners", "holds words"),
        ("what", "no column of this table, and no condition"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(text, words):
    with pytest.raises(InputError, match=words) as caught:
        parse_filter(text, TABLE)
    assert "\n" not in str(caught.value)


def test_kept_rows_carry_the_filter():
    rows = parse_filter("length > 2, resolved", TABLE).apply(TABLE)
    assert rows["label"].tolist() == [2, 3]
    assert rows["filter"].unique().tolist() == ["length_nm > 2, resolved"]
    assert "filter" not in parse_filter("", TABLE).apply(TABLE)


def test_every_column_of_the_table_of_objects_has_words():
    labels = np.zeros((4, 4, 4), np.uint8)
    labels[1:3, 1:3, 1:3] = 1
    table = measure_objects(
        labels, spacing=0.5, intensity=labels.astype(np.float32), envelope=labels > 0
    )
    assert set(table.columns) <= set(COLUMNS)
    titles = [column_of(name).title for name in table.columns]
    assert len(set(titles)) == len(titles)
    assert not [title for title in titles if "_" in title]
