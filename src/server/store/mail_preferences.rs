//! Email preferences.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::OnConflict};

use super::{
    Store, StoreError,
    entity::{mail_preference as row, user},
    users::may_sign_in,
};
use crate::{
    i18n::locale::Locale,
    model::account::MailWish,
    server::identity::user::{User, UserId},
};

impl Store {
    pub(crate) async fn mail_wish(&self, user: &UserId) -> Result<MailWish, StoreError> {
        let row = row::Entity::find_by_id(user.as_str()).one(&self.db).await?;
        Ok(row.map(|row| wish(&row)).unwrap_or_default())
    }

    pub(crate) async fn set_mail_wish(
        &self,
        user: &UserId,
        wish: MailWish,
        language: Locale,
    ) -> Result<(), StoreError> {
        let model = row::Model {
            user_id: user.as_str().to_owned(),
            wish: wish.as_str().to_owned(),
            language: language.tag().to_owned(),
        };
        let again = OnConflict::column(row::Column::UserId)
            .update_columns([row::Column::Wish, row::Column::Language])
            .to_owned();
        row::Entity::insert(row::ActiveModel::from(model))
            .on_conflict(again)
            .exec_without_returning(&self.db)
            .await?;
        Ok(())
    }

    /// Finds a user who still wants emails, and their language.
    pub(crate) async fn mail_recipient(
        &self,
        user: &str,
    ) -> Result<Option<(User, Locale)>, StoreError> {
        let row = row::Entity::find_by_id(user).one(&self.db).await?;
        let Some(row) = row.filter(|row| wish(row) != MailWish::None) else {
            return Ok(None);
        };
        let user = user::Entity::find_by_id(user)
            .filter(may_sign_in())
            .one(&self.db)
            .await?;
        let Some(user) = user else {
            return Ok(None);
        };
        let language = Locale::of_tag(&row.language).unwrap_or_default();
        Ok(Some((user.try_into()?, language)))
    }
}

pub(super) async fn wishes(
    db: &impl ConnectionTrait,
    users: Vec<&str>,
) -> Result<HashMap<String, MailWish>, StoreError> {
    let rows = row::Entity::find()
        .filter(row::Column::UserId.is_in(users))
        .all(db)
        .await?;
    let wish = |row: row::Model| {
        let wish = wish(&row);
        (row.user_id, wish)
    };
    Ok(rows.into_iter().map(wish).collect())
}

fn wish(row: &row::Model) -> MailWish {
    row.wish.parse().unwrap_or_default()
}
