from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from probes.agent import ProbeError
from probes.report.contract import Section, Study, save_study
from probes.report.items import Number, SourceRef, Stacks, Text
from probes.report.page import (
    Run,
    build_page,
    headline_numbers,
    is_current,
    read_run,
    save_page,
)
from probes.statistics import Estimate
from tests.probes.report.studies import LAYOUT, PAINTER, SHIPPED, make_study, save_run


def small(*items: Number | Text | Stacks, title: str = "A study") -> Study:
    section = Section("question", "The question", "What is asked?", items)
    study = make_study(SHIPPED, SHIPPED)
    return replace(study, title=title, sections=(section,))


def page_of(*studies: Study, directory: Path) -> str:
    for study in studies:
        save_study(study, directory)
    return build_page([Run(directory, study) for study in studies], PAINTER)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = tmp_path_factory.mktemp("study")
    save_run(directory)
    return build_page([read_run(directory)], PAINTER)


def test_the_page_asks_for_nothing_from_elsewhere(whole: str) -> None:
    addresses = re.findall(r'(?:src|srcset|href|poster)="([^"]*)"', whole)

    assert len(addresses) > 20
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert "@import" not in whole
    assert "<script" not in whole
    assert "default-src 'none'" in whole


def test_every_link_has_its_target(whole: str) -> None:
    targets = set(re.findall(r' id="([^"]*)"', whole))
    links = set(re.findall(r'href="#([^"]*)"', whole))

    assert {"reading", "part1-findings", "part1-source-1"} <= links
    assert links <= targets


def test_a_stack_is_embedded_once_with_all_its_frames(whole: str) -> None:
    assert "4 frames" in whole
    assert whole.count('class="cell moving"') == 6 + 2 + 3
    strips = re.findall(r'src="(data:image/png[^"]*)"', whole)
    # Two planes of six states, one of two, and one of three above its weights.
    assert len(strips) == 12 + 2 + 6 + 1


def test_every_figure_says_what_to_look_for_and_where_it_came_from(whole: str) -> None:
    figures = re.findall(r"<figure.*?</figure>", whole, flags=re.DOTALL)

    assert len(figures) == 10
    for figure in figures:
        assert 'class="look">Look for<' in figure
        assert re.search(r'class="source">.*href="#part1-source-\d+"', figure)


def test_a_number_has_its_interval_its_n_its_bar_and_its_source(tmp_path: Path) -> None:
    html = page_of(small(), directory=tmp_path)
    tile = re.search(r'<div class="tile">.*?</div>', html, flags=re.DOTALL)

    assert tile is not None
    assert "1.84\u202fper km" in tile.group()
    assert "1.51 to 2.20, n = 131" in tile.group()
    assert "5e5e5e5e" in tile.group()
    assert "✓ reached: fewer than a tenth" in html


def test_a_number_of_a_shipped_record_is_marked_so(tmp_path: Path) -> None:
    here = SourceRef("findings", "ab" * 32, "probes search")
    marked = page_of(small(Number("hits", 3, SHIPPED)), directory=tmp_path)
    study = replace(small(Number("hits", 3, here)), headlines=(), agents=(), models=())

    assert "shipped record, not computed now" in marked
    assert "shipped record, not computed now" not in page_of(study, directory=tmp_path)


def test_what_stands_in_backticks_is_set_as_code_and_escaped(tmp_path: Path) -> None:
    html = page_of(small(Text("By `probes fit A<B` and `x`, not ` alone.")), directory=tmp_path)
    assert "By <code>probes fit A&lt;B</code> and <code>x</code>, not ` alone." in html


def test_texts_are_escaped(tmp_path: Path) -> None:
    html = page_of(small(Text("<script>alert(1)</script>"), title='"><img src=x>'), directory=tmp_path)

    assert "<script>" not in html
    assert "<img src=x>" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("claim", ["not understood", "Not\n understood", "not yet understood"])
def test_a_claim_about_what_an_agent_does_not_understand_is_refused(tmp_path: Path, claim: str) -> None:
    with pytest.raises(ProbeError, match=r"would claim '[Nn]ot (yet )?understood'.*say 'not synthesised'"):
        page_of(small(Text(f"The person was {claim}.")), directory=tmp_path)


def test_a_claim_in_a_pictures_name_is_refused(tmp_path: Path) -> None:
    save_run(tmp_path)
    item = Stacks("a", "b", "t-minus/stored.npy", LAYOUT, (0,), SHIPPED, labels=("not understood",))

    with pytest.raises(ProbeError, match="say 'not synthesised'"):
        page_of(small(item), directory=tmp_path)


def test_the_page_says_not_synthesised(whole: str) -> None:
    assert "Not synthesised" in whole


def test_several_studies_share_the_contents_and_stand_side_by_side(tmp_path: Path) -> None:
    html = page_of(small(Text("a"), title="Driving"), small(Text("b"), title="Pong"), directory=tmp_path)
    contents = html[html.index("<nav") : html.index("</nav>")]

    assert [link for link in re.findall(r'href="#([^"]*)"', contents) if "question" in link] == [
        "part1-question",
        "part2-question",
    ]
    assert 'id="side-by-side"' in html
    assert html.count('id="reading"') == 1
    ids = re.findall(r' id="([^"]*)"', html)
    assert len(ids) == len(set(ids))


def test_a_page_of_the_same_inputs_is_current(tmp_path: Path) -> None:
    study = small(Text("a"))
    page, run = tmp_path / "report.html", Run(tmp_path, study)
    html = page_of(study, directory=tmp_path)

    assert not is_current(page, [run])
    save_page(html, page)
    assert is_current(page, [run])
    assert not is_current(page, [run, run])
    page.write_text(html[: len(html) // 2])
    assert not is_current(page, [run])
    save_page(html, page)
    save_study(replace(study, title="Another"), tmp_path)
    assert not is_current(page, [run])


def test_a_page_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "report.html"
    page.write_text("old")

    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)

    with pytest.raises(ProbeError, match=r"report.html: cannot be written: No space left"):
        save_page("new", page)
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    assert page.read_text() == "old"


def test_headlines_are_given_by_label() -> None:
    study = replace(
        small(),
        headlines=(Number("hits", Estimate(1.8, 1.5, 2.2, 131), SHIPPED), Number("films", 3, SHIPPED)),
    )

    assert headline_numbers(study) == {
        "hits": {"value": 1.8, "low": 1.5, "high": 2.2, "n": 131},
        "films": 3,
    }
