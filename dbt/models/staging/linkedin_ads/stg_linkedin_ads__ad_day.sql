{{ ad_day('linkedin_ads') }}
