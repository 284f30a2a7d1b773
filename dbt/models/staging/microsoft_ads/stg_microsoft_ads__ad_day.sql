{{ ad_day('microsoft_ads') }}
