{{ ad_day('meta_ads') }}
