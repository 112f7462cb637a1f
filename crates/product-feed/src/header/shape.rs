//! The shape of a list: how its rows form products.

use thiserror::Error;

use crate::{columns, named::named};

named! {
    /// The kind of file, where it changes the meaning of rows.
    #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
    pub enum Shape by
        /// Returns its word on the wire.
        as_str or UnknownShape
    {
        /// Each row is a product, possibly with WooCommerce's type.
        #[default]
        Plain = "plain",
        /// Rows of one handle are variants or images.
        Shopify = "shopify",
        /// Rows after a product are its variants, rules or images.
        BigCommerce = "bigcommerce",
        /// The ID is the SKU.
        Google = "google",
        /// Rows of one handle are marked as product or variant.
        Wix = "wix",
        /// Rows are marked as product, option or variation.
        Ecwid = "ecwid",
        /// Rows without a title are variants of the product above.
        Squarespace = "squarespace",
        /// Rows with the relationship `Variation` belong to the listing above.
        Ebay = "ebay",
        /// Rows of store views are translations; rows without a SKU continue the product above.
        Magento = "magento",
        /// Variants reference their product's ID.
        Shopware = "shopware",
    }
}

/// An unknown shape.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("this is no shape of a product file")]
pub struct UnknownShape;

/// A program that uses the column names of others with another meaning.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Program {
    /// `standard_price` is the cost, and `list_price` the price; Amazon's mean the opposite.
    Odoo,
    /// `ordernumber` is the SKU, and `EK` the group of those who buy in the shop.
    Shopware5,
    /// Each outlet has a column for its stock.
    LightspeedX,
    /// `SKU` is Ozon's own number, `Артикул` the seller's.
    Ozon,
    /// The price of a unit is that of a kilo.
    PrestaShop,
    /// `Material` is the number of a product, elsewhere what it is made of.
    Sap,
    /// The number in the URL is shared by a product's variants, which are rows below it.
    Rakuten,
    /// `Name` is the SKU beside the `Display Name`.
    NetSuite,
    /// `NAME` is the SKU beside `DESC`, in the interchange format of QuickBooks Desktop.
    QuickBooks,
    /// `Alias` is the SKU, elsewhere a part of the URL.
    EPages,
    /// `Salgspris` is the sale price beside the regular one, elsewhere what a product is sold for.
    WooCommerce,
}

/// What PrestaShop calls the price of a kilo or litre.
const UNIT_PRICES: &[&str] = &[
    "Unit price",
    "Preis je Einheit",
    "Preis pro Einheit",
    "Grundpreis",
    "Prix unitaire",
    "Prix à l'unité",
    "Precio unitario",
    "Precio por unidad",
    "Prezzo unitario",
    "Eenheidsprijs",
    "Prijs per eenheid",
    "Cena jednostkowa",
    "Cena za jednostkę",
    "Preço unitário",
    "Preço por unidade",
];

/// What Rakuten calls a product's number, which is part of its URL.
const RAKUTEN_URL: &str = "商品管理番号（商品URL）";

/// What SAP calls the name of a material.
const SAP_TEXTS: &[&str] = &[
    "Materialkurztext",
    "Material Description",
    "Material description",
    "Material text",
];

impl Program {
    pub(super) fn of(cells: &[String]) -> Option<Self> {
        let has = |name: &str| cells.iter().any(|cell| cell.trim() == name);
        let is_odoo = has("default_code") || has("categ_id") || has("categ_id/id");
        if has("standard_price") && is_odoo {
            Some(Self::Odoo)
        } else if has("ordernumber") && has("mainnumber") {
            Some(Self::Shopware5)
        } else if has("supply_price") && has("retail_price") {
            Some(Self::LightspeedX)
        } else if has("Ozon Product ID") && has("Артикул") {
            Some(Self::Ozon)
        } else if cells.iter().any(|cell| cell.trim().ends_with("(0/1)")) {
            Some(Self::PrestaShop)
        } else if has("Material") && SAP_TEXTS.iter().any(|text| has(text)) {
            Some(Self::Sap)
        } else if has(RAKUTEN_URL) && has("商品番号") {
            Some(Self::Rakuten)
        } else if has("Internal ID") && has("Name") && has("Display Name") {
            Some(Self::NetSuite)
        } else if has("!INVITEM") {
            Some(Self::QuickBooks)
        } else if has("Alias") && cells.iter().any(|cell| cell.starts_with("ListPrices/")) {
            Some(Self::EPages)
        } else if has("Vanlig pris") || has("Preu normal") {
            Some(Self::WooCommerce)
        } else {
            None
        }
    }

    /// Looks up a column that means something else than its name.
    pub(super) fn look_up(self, cell: &str) -> Option<columns::Known> {
        let name = match (self, cell.trim()) {
            (Self::Odoo, "standard_price") => "Cost",
            (Self::Shopware5, "ordernumber") => "SKU",
            (Self::Shopware5, "price_EK") => "Price",
            (Self::EPages, "Alias") => "SKU",
            (Self::Ozon, "SKU") => "External ID",
            (Self::WooCommerce, "Salgspris" | "Preu de venda") => "Sale price",
            (Self::PrestaShop, name) if UNIT_PRICES.contains(&name) => "Price per kg",
            (Self::Sap, "Material") => "Material number",
            (Self::Rakuten, RAKUTEN_URL) => "Handle",
            (Self::Rakuten, "システム連携用SKU番号") => "SKU",
            (Self::Rakuten, name) if name.starts_with("バリエーション項目選択肢") => {
                "Option1 value"
            }
            (Self::NetSuite, "Name") | (Self::QuickBooks, "NAME") => "Item",
            (Self::LightspeedX, name) if name.starts_with("inventory_") => "Stock",
            _ => return None,
        };
        columns::look_up(name)
    }
}
