{{ ad_object('meta_ads') }}
