{{ ad_day('tiktok_ads') }}
