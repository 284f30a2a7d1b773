{{ ad_object('google_ads') }}
