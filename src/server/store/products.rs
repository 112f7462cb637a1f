//! The products in the shop.
