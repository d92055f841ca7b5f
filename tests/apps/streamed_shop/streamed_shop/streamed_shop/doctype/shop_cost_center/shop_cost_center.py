from streamed_shop.trees import CompanyTree


class ShopCostCenter(CompanyTree):
	nsm_parent_field = "parent_shop_cost_center"
	name_field = "cost_center_name"
