import subprocess
import sys


def run(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def test_what_great_expectations_hardly_uses_is_loaded_when_it_is_touched():
    done = run(
        "import gc, sys\n"
        "from expectations.run import preload\n"
        "preload()\n"
        "assert not [finder for finder in sys.meta_path if type(finder).__module__.startswith('expectations')]\n"
        "late = {'altair.vegalite', 'scipy.stats._stats_py'}\n"
        "assert not late & set(sys.modules)\n"
        "assert gc.isenabled() and gc.get_freeze_count()\n"
        "import altair, scipy.stats\n"
        "assert scipy.stats.norm.cdf(0) == 0.5 and altair.Chart\n"
        "assert late <= set(sys.modules)\n"
    )
    assert done.stderr == ""


def test_modules_that_are_there_already_are_left_alone():
    run(
        "import scipy.stats\n"
        "before = scipy.stats\n"
        "from expectations.run import preload\n"
        "preload()\n"
        "import sys\n"
        "assert sys.modules['scipy.stats'] is before and type(before).__name__ == 'module'\n"
    )


def test_an_expectation_that_needs_them_works():
    run(
        "from expectations.run import preload\n"
        "preload()\n"
        "import pandas\n"
        "import great_expectations as gx\n"
        "frame = pandas.DataFrame({'country': ['DE', 'FR', 'FR', 'DE']})\n"
        "batch = gx.get_context(mode='ephemeral').data_sources.pandas_default.read_dataframe(frame)\n"
        "partition = {'values': ['DE', 'FR'], 'weights': [0.5, 0.5]}\n"
        "expectation = gx.expectations.ExpectColumnKLDivergenceToBeLessThan(\n"
        "    column='country', partition_object=partition, threshold=0.1)\n"
        "assert batch.validate(expectation).success\n"
    )


def test_nothing_is_reported_as_leaked_at_the_end():
    done = run(
        "import duckdb\n"
        "from expectations.run import preload\n"
        "connection = duckdb.connect()\n"
        "preload()\n"
        "connection.execute('SELECT 1').fetchall()\n"
    )
    assert "leaked" not in done.stderr
