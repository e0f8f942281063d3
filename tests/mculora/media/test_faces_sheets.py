"""Contact sheets: every row is there, evenly picked, whatever the pictures' sizes."""

import numpy as np

from mculora.media.faces.sheets import SheetRow, contact_sheet, pick_evenly


def plain(value: int, height: int = 96, width: int = 96) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def test_rows_stand_below_each_other_in_order() -> None:
    rows = [SheetRow("one", [plain(10), plain(20)]), SheetRow("two", [plain(30)])]
    page = contact_sheet(rows, columns=3, side=96)
    assert page.shape == (2 * (20 + 100), 4 + 3 * 100, 3)
    assert [page[60, x, 0] for x in (50, 150, 250)] == [10, 20, 255]
    assert [page[180, x, 0] for x in (50, 150)] == [30, 255]


def test_pictures_keep_their_shape() -> None:
    page = contact_sheet([SheetRow("wide", [plain(10, 90, 160)])], columns=1, side=96)
    shown = (page == 10).all(axis=-1)
    assert shown[20:].sum(axis=0).max() == 54
    assert shown[20:].sum(axis=1).max() == 96


def test_a_row_without_pictures_is_its_title() -> None:
    page = contact_sheet([SheetRow("a ü 漢", [])], columns=2)
    assert page.shape[0] == 20
    assert page.min() < 128


def test_items_are_picked_evenly() -> None:
    assert pick_evenly(range(3), 5) == [0, 1, 2]
    assert pick_evenly(range(10), 5) == [1, 3, 5, 7, 9]
    assert pick_evenly([], 3) == []
    for total in range(1, 40):
        for count in range(1, total + 1):
            picked = pick_evenly(range(total), count)
            assert len(set(picked)) == count
            assert picked == sorted(picked)
