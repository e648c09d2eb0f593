"""What is sold and for how much: products, prices, tax rates, coupons and discounts."""
