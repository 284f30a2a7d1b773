{{ ad_day('google_ads') }}
