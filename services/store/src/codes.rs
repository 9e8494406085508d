//! Session codes that rest before they are used again.

use convene_domain::SessionCode;
use diesel::prelude::*;
use time::OffsetDateTime;

use crate::rows::micros;
use crate::schema::resting_codes::dsl::{code, resting_codes, until};
use crate::{Store, StoreError};

impl Store {
    /// Lets a code rest.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn rest_code(&self, resting: SessionCode, rests_until: OffsetDateTime) -> Result<(), StoreError> {
        let row = (code.eq(resting.to_string()), until.eq(micros(rests_until)));
        diesel::replace_into(resting_codes).values(row).execute(&mut self.connection()?)?;
        Ok(())
    }

    /// The codes that still rest; those that have rested are forgotten.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub fn resting_codes(
        &self,
        now: OffsetDateTime,
    ) -> Result<Vec<(SessionCode, OffsetDateTime)>, StoreError> {
        let mut connection = self.connection()?;
        diesel::delete(resting_codes.filter(until.le(micros(now)))).execute(&mut connection)?;
        let rows: Vec<(String, i64)> = resting_codes.order(code).load(&mut connection)?;
        let parse = |(text, time): (String, i64)| {
            let unknown = |what| StoreError::Unknown { what, value: text.clone() };
            let date = OffsetDateTime::from_unix_timestamp_nanos(i128::from(time) * 1000);
            Ok((text.parse().map_err(|_| unknown("a session code"))?, date.map_err(|_| unknown("a time"))?))
        };
        rows.into_iter().map(parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use time::macros::datetime;

    #[test]
    fn a_code_rests_until_its_time_and_is_then_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.sqlite")).unwrap();
        let end = datetime!(2026-01-31 10:00 UTC);
        let resting: SessionCode = "012345678".parse().unwrap();
        store.rest_code(resting, end - Duration::from_secs(5)).unwrap();
        store.rest_code(resting, end).unwrap();
        let codes = store.resting_codes(end - Duration::from_micros(1)).unwrap();
        assert_eq!(codes, [(resting, end)]);
        assert_eq!(store.resting_codes(end).unwrap(), []);
    }
}
