from datetime import date

from tasks.landing import contradicted_words


def test_one_contradicted_version_and_several() -> None:
    first, last = date(2011, 12, 7), date(2011, 12, 9)
    assert contradicted_words([first]) == (
        "lines that came late contradict the published version as of 2011-12-07; `resegment backfill --affected` "
        "restates it"
    )
    assert contradicted_words([first, last]) == (
        "lines that came late contradict 2 published versions, as of 2011-12-07 to 2011-12-09; "
        "`resegment backfill --affected` restates them"
    )
