"""Sites with the DocTypes and users that the contract is tried on; they are made once and stay."""

import pytest
from contract_doctypes import make_contract_doctypes, make_users


@pytest.fixture(scope="session")
def contract_site(cluster):
	site = cluster.site("producer")
	site.run(make_contract_doctypes)
	site.run(make_users)
	return site


@pytest.fixture
def site(contract_site):
	return contract_site
