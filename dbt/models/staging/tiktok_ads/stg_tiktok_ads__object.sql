{{ ad_object('tiktok_ads') }}
