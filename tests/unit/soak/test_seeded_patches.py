"""The bugs that the soak has to find can still be put back into the tree as it is."""

import pytest

from sandbox.paths import PROJECT
from tests.soak.faults.all_of_them import FAULTS
from tests.soak.seeded import all_patches, apply, copy_tree, read
from tests.soak.shapes import SHAPES

NAMES = {
	"a_lane_too_many",
	"cursor_before_documents",
	"delivery_before_commit",
	"epoch_ignored",
	"identity_not_claimed",
	"lost_wake_up",
	"no_savepoint",
	"origin_dropped",
	"positions_by_name",
	"retry_over_newer_data",
	"transaction_divided",
}


def test_all_of_them_are_there():
	assert {patch.stem for patch in all_patches()} == NAMES


@pytest.mark.parametrize("patch", all_patches(), ids=lambda patch: patch.stem)
def test_a_patch_still_applies_and_says_how_it_is_looked_for(patch):
	bug = read(patch)

	applied = apply(patch, PROJECT, check=True)

	assert applied.returncode == 0, applied.stderr
	assert bug.bug.endswith(".")
	assert bug.shape in SHAPES
	assert bug.faults == "none" or set(bug.faults.split(",")) <= set(FAULTS)
	# with its end, within two minutes or so
	assert bug.seconds <= 60


def test_a_copy_of_the_tree_is_patched_and_the_tree_itself_is_not(tmp_path):
	patch = next(each for each in all_patches() if each.stem == "origin_dropped")
	changed = "event_streaming/producer/capture/log.py"
	before = (PROJECT / changed).read_text()
	copy_tree(tmp_path / "tree")

	assert apply(patch, tmp_path / "tree").returncode == 0

	assert (tmp_path / "tree" / changed).read_text() != before
	assert (PROJECT / changed).read_text() == before
