//! Actions in the head of an import's page: cancel or delete.

use leptos::prelude::*;
use server_fn::ServerFn;

use super::form::{ActionForm, failure};
use crate::{
    api::import_controls::{
        ApproveImport, CancelImport, DeleteImport, ImportAgain, RetryFailedRows, UndoImport,
    },
    islands::parts::{
        icons::{Glyph, Icon},
        locale::use_locale,
    },
    model::{error::ApiError, import_extras::ImportExtras, job::JobId},
};

/// Offers to cancel a running import, or to delete a finished one.
#[component]
pub(crate) fn ImportActions(id: JobId, extras: ImportExtras, is_over: bool) -> impl IntoView {
    let t = use_locale();
    let id = StoredValue::new(id);
    let cancel = (extras.offers("cancel") && !is_over).then(|| {
        view! {
            <ActionForm action=CancelImport::url() attr:data-testid="cancel-form">
                <IdField id=id.get_value() />
                <button class="button button-quiet" data-testid="cancel-import">
                    <Icon glyph=Glyph::Cross />
                    {t.say("Cancel", "Abbrechen")}
                </button>
            </ActionForm>
        }
    });
    let delete = extras.offers("delete").then(|| {
        view! {
            <details class="popover">
                <summary class="button button-quiet" data-testid="delete-import">
                    <Icon glyph=Glyph::Trash />
                    {t.say("Delete…", "Löschen…")}
                </summary>
                <ActionForm action=DeleteImport::url()>
                    <IdField id=id.get_value() />
                    <p>
                        {t.say(
                            "This removes the import from the list. Its products stay in your catalogue.",
                            "Der Import wird aus der Liste entfernt. Seine Produkte bleiben in deinem Katalog.",
                        )}
                    </p>
                    <button class="button button-danger" data-testid="delete-confirm">
                        {t.say("Delete import", "Import löschen")}
                    </button>
                </ActionForm>
            </details>
        }
    });
    view! { {cancel} {delete} }
}

/// A hidden field with the ID of the import.
#[component]
pub(super) fn IdField(id: JobId) -> impl IntoView {
    view! { <input type="hidden" name="id" value=id.to_string() /> }
}

/// Returns the error of an action on an import that led to this page.
pub(super) fn refusal() -> Option<ApiError> {
    failure::<CancelImport>()
        .or_else(failure::<ImportAgain>)
        .or_else(failure::<RetryFailedRows>)
        .or_else(failure::<ApproveImport>)
        .or_else(failure::<UndoImport>)
        .or_else(failure::<DeleteImport>)
}
