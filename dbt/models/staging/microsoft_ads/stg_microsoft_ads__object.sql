{{ ad_object('microsoft_ads') }}
