{{ ad_object('linkedin_ads') }}
