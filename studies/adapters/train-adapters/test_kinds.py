"""Tests how texts of pools are taken out of manual pages and of catalogues of translations."""

from pools.kinds import _messages, _without_roff

PAGE = r""".\" A comment
.TH SLEEP 3
.SH NAME
sleep \- wait for \fIseconds\fP
.B "int sleep(int" seconds );
"""

CATALOGUE = r'''
msgid ""
msgstr "Language: de\n"

msgid "Yes"
msgstr "Ja"

msgid "%d \"day\""
msgid_plural "%d days"
msgstr[0] "%d "
"\"Tag\""
msgstr[1] "%d Tage"

msgid "Untranslated"
msgstr ""
'''


def test_manual_pages_lose_their_markup() -> None:
    assert _without_roff(PAGE) == "SLEEP 3\nNAME\nsleep - wait for seconds\nint sleep(int seconds );"


def test_catalogues_give_translations_without_header_and_plural() -> None:
    assert list(_messages(CATALOGUE)) == ["Ja", '%d "Tag"']
