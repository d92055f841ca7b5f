"""kill -9 of the database's server: what a site has said is saved is there when it is started again, and goes over."""

import os

import pytest
from doctypes import CITY
from documents import insert, unique
from logs import sync_logs
from streams import pull

pytestmark = pytest.mark.skipif(
	"EVENT_STREAMING_BENCH" in os.environ, reason="it kills servers: only those of the sandbox"
)


@pytest.mark.usefixtures("cities_streamed")
def test_what_was_saved_just_before_the_database_was_killed_is_there_and_comes_over(
	cluster, producer, consumer
):
	names = [producer.run(insert, doctype=CITY, title=unique("Before")) for _each in range(3)]

	cluster.engine.database.stop()
	cluster.engine.database.start()

	pull(consumer, producer)
	assert [log["producer_doc"] for log in sync_logs(consumer)] == names
