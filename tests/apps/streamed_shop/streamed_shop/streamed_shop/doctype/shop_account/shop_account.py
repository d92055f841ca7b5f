from streamed_shop.trees import CompanyTree


class ShopAccount(CompanyTree):
	nsm_parent_field = "parent_shop_account"
	name_field = "account_name"
