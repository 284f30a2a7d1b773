"""Which encoding a file is read in: what decides, what is guessed, and what a guess must not touch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dagster_project.sources.contract import Unreadable
from dagster_project.sources.decode import decoded

RUSSIAN = "День;Кампания;Расход\n2026-11-01;Осенняя распродажа обуви;12,50\n"
GREEK = "Ημέρα;Καμπάνια;Κόστος\n2026-11-01;Φθινόπωρο παπούτσια;12,50\n"
JAPANESE = "日,キャンペーン,費用\n2026-11-01,秋の新作スニーカー,1200\n2026-11-01,ブランド指名,300\n"
CHINESE = "日期,广告系列,费用\n2026-11-01,秋季新品运动鞋,1200\n2026-11-01,品牌词,300\n"
TAIWANESE = "日期,廣告活動,費用\n2026-11-01,秋季新品運動鞋,1200\n2026-11-01,品牌關鍵字,300\n"
KOREAN = "날짜,캠페인,비용\n2026-11-01,가을 신상 운동화,1200\n2026-11-01,브랜드,300\n"

LATIN_CELLS = (
    *("£5", "€", "Größe", "ÜBER", "ÄÖÜ", "ÉTÉ", "NOËL", "São Paulo", "Ångström", "it’s", "«soldes»", "20 °C", "Þór"),
    *("Côte d’Azur – été", "FRÜHJAHR FÜR GROSSE GRÖSSEN", "LÉGUMES À PRIX CASSÉS", "¿Qué?", "äöüÄÖÜß", "ÿ", "ŠŽ"),
)


@pytest.mark.parametrize(
    ("text", "encoding", "name"),
    [
        pytest.param(RUSSIAN, "cp1251", "Windows-1251 (Cyrillic)", id="Russian"),
        pytest.param(GREEK, "cp1253", "Windows-1253 (Greek)", id="Greek"),
        pytest.param(JAPANESE, "cp932", "Shift JIS (Japanese)", id="Japanese"),
        pytest.param(CHINESE, "gb18030", "GB 18030 (Chinese)", id="simplified Chinese"),
        pytest.param(TAIWANESE, "big5", "Big5 (Chinese)", id="traditional Chinese"),
        pytest.param(KOREAN, "cp949", "EUC-KR (Korean)", id="Korean"),
    ],
)
def test_another_script_is_recognised_and_the_notice_names_it(text: str, encoding: str, name: str) -> None:
    read = decoded(text.encode(encoding))
    assert read.text == text
    assert f"encoding_guessed: line 1 is not UTF-8, so the file was read as {name}" in read.notices[0]


@pytest.mark.parametrize("cell", LATIN_CELLS)
@pytest.mark.parametrize("lines", [1, 30])
def test_accents_and_signs_of_latin_text_stay_windows_1252(cell: str, lines: int) -> None:
    text = "day,channel,spend\n" + f"2026-11-01,{cell},100\n" * lines
    read = decoded(text.encode("cp1252"))
    assert (read.text, read.encoding) == (text, "cp1252")
    assert "encoding_guessed: line 2 is not UTF-8, so the file was read as Windows-1252" in read.notices[0]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", [RUSSIAN, JAPANESE, CHINESE, "day,channel,spend\n2026-11-01,search,1\n"])
def test_utf_16_without_a_mark_is_read_in_every_script(text: str, encoding: str) -> None:
    read = decoded(text.encode(encoding))
    assert (read.text, read.encoding, read.notices) == (text, "utf-16", ())


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(Unreadable, match="no text in any encoding"):
        decoded(bytes(range(256)) * 16)


def test_a_file_in_utf_8_does_not_wait_for_the_detector() -> None:
    script = "import sys; from dagster_project.sources.decode import decoded; decoded('Größe'.encode());"
    done = subprocess.run(
        [sys.executable, "-c", f"{script} sys.exit('charset_normalizer' in sys.modules)"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_an_archive_that_unpacks_beyond_all_measure_is_refused(monkeypatch):
    import gzip

    from dagster_project.sources import decode
    from dagster_project.sources.contract import Unreadable

    monkeypatch.setattr(decode, "ALWAYS_UNPACKED", 1 << 20)
    assert decode.unpacked(gzip.compress(b"a" * (1 << 20)), "fits.csv.gz") == b"a" * (1 << 20)
    with pytest.raises(Unreadable, match=r"bomb.csv.gz unpacked"):
        decode.unpacked(gzip.compress(b"a" * (3 << 20)), "bomb.csv.gz")
