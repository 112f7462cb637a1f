//! Options of an import: which products and fields it writes.

use leptos::prelude::*;

use super::changes_table::field_word;
use crate::{
    i18n::locale::Locale,
    islands::parts::{format::Noun, locale::use_locale},
    model::{
        changes::Field,
        import_extras::ImportExtras,
        import_options::{FIELDS, ImportOptions, MissingProducts, PARAMETERS, WrittenProducts},
    },
};

fn products_choice(t: Locale, products: WrittenProducts) -> &'static str {
    match products {
        WrittenProducts::All => t.say(
            "Add new products and update existing ones",
            "Neue Produkte hinzufügen und vorhandene aktualisieren",
        ),
        WrittenProducts::New => t.say("Add new products only", "Nur neue Produkte hinzufügen"),
        WrittenProducts::Existing => t.say(
            "Update existing products only",
            "Nur vorhandene Produkte aktualisieren",
        ),
    }
}

fn missing_choice(t: Locale, missing: MissingProducts) -> &'static str {
    match missing {
        MissingProducts::Keep => t.say("Leave unchanged", "Unverändert lassen"),
        MissingProducts::List => t.say("Full file: list them", "Vollständige Datei: auflisten"),
        MissingProducts::Unavailable => t.say(
            "Full file: mark as out of stock",
            "Vollständige Datei: als nicht vorrätig markieren",
        ),
        MissingProducts::Remove => t.say("Full file: remove them", "Vollständige Datei: entfernen"),
    }
}

/// The options as form fields, collapsed.
#[component]
pub(crate) fn MoreOptions(#[prop(optional)] options: ImportOptions) -> impl IntoView {
    let t = use_locale();
    let is_open = !options.is_default();
    view! {
        <details class="more-options" data-testid="more-options" open=is_open>
            <summary>{t.say("More options", "Weitere Optionen")}</summary>
            <OptionFields options />
        </details>
    }
}

/// The options as form fields.
#[component]
pub(crate) fn OptionFields(options: ImportOptions) -> impl IntoView {
    let t = use_locale();
    let [products, _, missing] = PARAMETERS;
    let products_choices = WrittenProducts::ALL.map(|choice| {
        let is_chosen = options.products == choice;
        view! { <option value=choice.as_str() selected=is_chosen>{products_choice(t, choice)}</option> }
    });
    let missing_choices = MissingProducts::ALL.map(|choice| {
        let is_chosen = options.missing == choice;
        view! { <option value=choice.as_str() selected=is_chosen>{missing_choice(t, choice)}</option> }
    });
    let chosen: Vec<_> = options.fields.chosen().collect();
    let fields = Field::ALL.map(|field| {
        let is_chosen = chosen.contains(&field);
        view! {
            <label>
                <input type="checkbox" name=FIELDS value=field.as_str() checked=is_chosen />
                {field_word(t, field)}
            </label>
        }
    });
    view! {
        <div class="more-options-fields">
            <label class="field">
                <span>{t.say("Products", "Produkte")}</span>
                <select class="input" name=products>
                    {products_choices.collect_view()}
                </select>
            </label>
            <label class="field">
                <span>{t.say("Products missing from the file", "Produkte, die in der Datei fehlen")}</span>
                <select class="input" name=missing>
                    {missing_choices.collect_view()}
                </select>
            </label>
            <fieldset class="more-options-chosen">
                <legend>{t.say("Update only these fields", "Nur diese Felder aktualisieren")}</legend>
                {fields.collect_view()}
                <p>
                    {t.say(
                        "With none selected, all fields of the file are updated. New products always get all of them.",
                        "Ohne Auswahl werden alle Felder der Datei aktualisiert. Neue Produkte bekommen immer alle.",
                    )}
                </p>
            </fieldset>
        </div>
    }
}

/// Describes the options that differ from the default.
pub(crate) fn described(t: Locale, options: &ImportOptions) -> Option<String> {
    let ImportOptions {
        products,
        fields,
        missing,
    } = options;
    let mut said = Vec::new();
    if *products != WrittenProducts::All {
        said.push(products_choice(t, *products).to_owned());
    }
    if !fields.is_all() {
        let fields: Vec<_> = fields.chosen().map(|field| field_word(t, field)).collect();
        let fields = fields.join(", ");
        said.push(t.fill(
            "Only these fields: {fields}",
            "Nur diese Felder: {fields}",
            &[("fields", &fields)],
        ));
    }
    let missing = match missing {
        MissingProducts::Keep => None,
        MissingProducts::List => Some(t.say(
            "Full file: missing products are listed",
            "Vollständige Datei: fehlende Produkte werden aufgelistet",
        )),
        MissingProducts::Unavailable => Some(t.say(
            "Full file: missing products are marked as out of stock",
            "Vollständige Datei: fehlende Produkte werden als nicht vorrätig markiert",
        )),
        MissingProducts::Remove => Some(t.say(
            "Full file: missing products are removed",
            "Vollständige Datei: fehlende Produkte werden entfernt",
        )),
    };
    said.extend(missing.map(str::to_owned));
    (!said.is_empty()).then(|| format!("{}.", said.join(". ")))
}

/// Describes what the import did with products that were not in its file.
pub(crate) fn missing_products(t: Locale, extras: &ImportExtras) -> Option<String> {
    let missing = extras.options.missing;
    if !missing.is_full_file() {
        return None;
    }
    let products = t.counted(extras.missing_products, Noun::Product);
    let mut text = t.fill(
        "Missing from the file: {products}",
        "In der Datei fehlen: {products}",
        &[("products", &products)],
    );
    let (changed, done) = match missing {
        MissingProducts::Keep | MissingProducts::List => return Some(format!("{text}.")),
        MissingProducts::Unavailable => (
            extras.marked_products,
            match extras.is_check() {
                true => t.say_of(
                    "would be marked as out of stock",
                    "würde als nicht vorrätig markiert|würden als nicht vorrätig markiert",
                    extras.marked_products,
                ),
                false => t.say_of(
                    "marked as out of stock",
                    "als nicht vorrätig markiert",
                    extras.marked_products,
                ),
            },
        ),
        MissingProducts::Remove => (
            extras.removed_products,
            match extras.is_check() {
                true => t.say_of(
                    "would be removed",
                    "würde entfernt|würden entfernt",
                    extras.removed_products,
                ),
                false => t.say_of("removed", "entfernt", extras.removed_products),
            },
        ),
    };
    text.push_str(&format!(", {} {done}.", t.count(changed)));
    Some(text)
}
