import pytest

from benchmarks import fit, fit_report


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    return fit.measure(tmp_path_factory.mktemp("fit"), customers=20_000, k=4, ks=range(2, 4), repetitions=2, n_init=3)


def test_summary_reaches_the_inertia_of_all_customers(measured):
    for transform, ways in measured.fits.items():
        ours, full = ways["weighted summary"], ways["scikit-learn KMeans"]
        assert ours.inertia == pytest.approx(full.inertia, rel=0.002)
        assert 0 < measured.cells[transform] < 20_000
        assert (len(ours.seconds), len(full.seconds)) == (2, 1)


def test_assignments_and_choices_of_k_are_measured_for_each_transform(measured):
    assert set(measured.fits) == set(measured.choosing) == {"log1p", "winsorize"}
    assert all(chosen in (2, 3) for chosen in measured.chosen.values())
    assert len(measured.assigned) == 4
    assert all(len(one.seconds) == 2 and one.extra_mib >= 0 for one in measured.assigned.values())


def test_report_replaces_its_own_section_only(measured, tmp_path):
    file = tmp_path / "README.md"
    file.write_text("# Benchmarks\n\n<!-- nights: begin -->\nNights.\n<!-- nights: end -->\n")
    fit_report.write_section(file, "an older measurement")
    file.write_text(file.read_text() + "\nSomething after.\n")
    fit_report.write_section(file, fit_report.markdown(measured))
    text = file.read_text()
    assert "an older measurement" not in text
    assert text.index("Nights.") < text.index("20,000 generated customers") < text.index("Something after.")
    assert "| winsorize | scikit-learn KMeans |" in text
