"""The table in a real browser: columns, orders, marked rows, copies, the keyboard."""

import pytest
from driver import number

pytestmark = [pytest.mark.browser, pytest.mark.long]

ROWS = ".table tbody tr"


def test_columns_rows_and_keys_of_the_table(visit):
    explorer = visit()
    page = explorer.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(ROWS).first.wait_for()

    page.get_by_role("button", name="Columns: choose").click()
    page.get_by_role("combobox", name="Search: Columns of the table").fill("right ascension")
    page.locator(".chooser [role=option][data-column=ra] svg").wait_for(timeout=20_000)
    page.keyboard.press("Enter")
    page.locator(".table th[data-column=ra]").wait_for(timeout=15_000)
    page.get_by_role("button", name="Pin RA [deg]", exact=True).click()
    page.locator(".table th.pin[data-column=ra]").wait_for(timeout=15_000)
    page.keyboard.press("Escape")
    assert [page.locator(".table th").nth(k).get_attribute("data-column") for k in (0, 1)] == ["obsid", "ra"]

    page.locator(".table th[data-column=teff] button").click()
    page.locator(".table th[data-column=snr] button").click(modifiers=["Shift"])
    page.locator(".table th[data-column=snr][aria-sort=ascending][data-place='2']").wait_for(timeout=15_000)

    total = number(explorer.count_text())
    first = page.locator(ROWS).first.locator("td").first.inner_text()
    page.locator(ROWS).nth(0).locator("td").nth(3).click(modifiers=["Control"])
    page.keyboard.press("Shift+ArrowDown")
    page.get_by_text("2 marked").wait_for(timeout=15_000)
    page.keyboard.press("Control+c")
    page.get_by_text("2 rows copied.").wait_for(timeout=15_000)
    head, *lines = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert head.split("\t")[:2] == ["obsid", "ra"]
    assert len(lines) == 2
    page.locator(".table .marks").get_by_role("button", name="Remove").click()
    assert number(explorer.wait_for_count(f"{total:,} of 6,000 selected")) == total - 2
    page.locator(ROWS, has_text=first).wait_for(state="detached", timeout=15_000)

    page.locator(ROWS).first.locator("td").first.click()
    page.locator(f"{ROWS}.focused").wait_for(timeout=15_000)
    page.keyboard.press("PageDown")
    page.locator("button[aria-label='First page']:enabled").first.wait_for(timeout=15_000)
    assert page.locator("input.page").input_value() == "2"
    assert page.locator(f"{ROWS}.focused").count() == 0
    page.get_by_role("button", name="Page of the chosen star").click()
    page.locator(f"{ROWS}.focused").wait_for(timeout=15_000)
