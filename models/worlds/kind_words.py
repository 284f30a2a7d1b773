"""What people ask about each kind of company's market, and how buyers answer "How did you hear about us?"."""

from __future__ import annotations

from models.worlds.roster import Prompts

_TRIAL = "Compare two or three of them before you decide."
PROMPTS = {
    "b2b_software": Prompts(
        topics=(
            "field service software", "dispatch software for technicians", "maintenance planning software",
            "work order apps for small crews", "field service software with German support",
            "software for heating engineers", "mobile apps for service technicians", "route planning for service teams",
            "field service software with an API", "spare parts management software", "service contract software",
            "alternatives to paper work orders", "field service software with SSO", "asset management for facilities",
            "scheduling software for installers",
        ),
        questions=(
            "How do service firms plan technicians?", "What is a good first-time fix rate?",
            "How do I digitise work orders?", "How long does a rollout of service software take?",
            "What does a missed appointment cost?", "Which data belongs on a work order?",
        ),
        subject="service teams of this kind",
        advice="It depends on the size of the crew. Compare some products on price and data protection.",
        trial=_TRIAL,
    ),
    "ecommerce": Prompts(
        topics=(
            "linen bed sheets", "organic cotton towels", "washable wool blankets", "blackout curtains", "bath mats",
            "duvets for summer", "linen tablecloths", "sofa throws", "pillows for side sleepers", "terry robes",
            "bedding for children", "recycled fibre rugs", "percale sheets", "quilts under 150 euros", "linen napkins",
        ),
        questions=(
            "How often should towels be replaced?", "Linen or cotton for hot nights?", "How do I wash a wool blanket?",
            "What thread count is good?", "Which duvet fits an unheated bedroom?", "How do I measure curtains?",
        ),
        subject="homes of this kind",
        advice="It depends on the room and the budget. Look at the fibre and the return policy.",
        trial=_TRIAL,
    ),
    "developer_tool": Prompts(
        topics=(
            "database migration tools", "schema diff tools", "query profilers for Postgres", "database branching",
            "tools to find slow queries", "open-source database clients", "change data capture tools",
            "connection poolers", "tools for zero-downtime migrations", "database testing tools",
            "data masking for staging", "backup tools for Postgres", "database CI tools", "schema linters",
            "observability for databases",
        ),
        questions=(
            "How do I add a column without downtime?", "Why is my query not using an index?",
            "How do I test migrations?", "When should I shard?", "What is a good connection pool size?",
            "How do I copy production data safely?",
        ),
        subject="teams that ship often",
        advice="It depends on the database and the size of the team. Read the documentation of a few tools first.",
        trial=_TRIAL,
    ),
    "consumer_brand": Prompts(
        topics=(
            "fresh tomato soup", "chilled pasta sauces", "ready soups without additives", "vegan ready soups",
            "low-salt soups", "fresh pesto", "soups for lunch at work", "family pasta sauces", "chilled curry sauces",
            "high-protein soups", "soups in recyclable packs", "fresh gravy", "soups for children", "ramen broths",
            "sauces for slow cooking",
        ),
        questions=(
            "How long does fresh soup keep?", "Is fresh soup healthier than tinned soup?", "Can I freeze fresh sauce?",
            "What goes with tomato soup?", "How much salt is in ready soup?", "How do I cook for one quickly?",
        ),
        subject="weekday dinners",
        advice="It depends on taste and diet. Look at salt, price and how long it keeps.",
        trial=_TRIAL,
    ),
    "biopharma": Prompts(
        topics=(
            "treatments for seasonal allergy", "prescription antihistamines", "nasal sprays for allergy",
            "allergy treatment without drowsiness", "treatments for pet allergy", "allergy treatment for adults",
            "once-daily allergy tablets", "treatments for itchy eyes", "allergy treatment covered by insurance",
            "treatments for dust mite allergy", "allergy treatment in spring", "long-lasting allergy relief",
            "options when over-the-counter tablets fail", "treatments for hay fever", "allergy treatment for runners",
        ),
        questions=(
            "When should I see a doctor about allergies?", "How long does allergy season last?",
            "Can allergies start in adulthood?", "What makes hay fever worse?", "Is an allergy test useful?",
            "How do tablets and sprays differ?",
        ),
        subject="people with this condition",
        advice="It depends on symptoms and history. A physician or a pharmacist can advise.",
        trial="Ask a physician before you decide.",
    ),
}  # fmt: skip
ANSWERS = {
    "brand_search": ("Google", "searched your name"),
    "generic_search": ("Google search", "found you on google", "googled it"),
    "retargeting": ("an ad that followed me",),
    "prospecting_social": ("Reddit", "a reddit thread", "an ad on X"),
    "b2b_social": ("LinkedIn", "a post on LinkedIn", "linkedin ad"),
    "online_video": ("YouTube", "a video on youtube"),
    "audio": ("a podcast", "heard you on a podcast"),
    "events": ("met you at a conference", "your booth at the fair", "a meetup"),
    "partners": ("our reseller", "recommended by our consultant"),
    "newsletter": ("your newsletter", "Newsletter"),
    "creators": ("a stream", "a creator showed it"),
    "sponsorship": ("sponsored mail", "a weekly developer digest"),
    "ai_ads": ("an ad in a chat",),
    "review_sites": ("a review portal", "compared you on a review site"),
}
PATTERNS = {
    "brand_search": "searched your name",
    "retargeting": "followed me",
    "prospecting_social": "reddit|ad on x",
    "b2b_social": "linkedin",
    "online_video": "youtube|video",
    "audio": "podcast",
    "events": "fair|conference|booth|meetup",
    "partners": "reseller|consultant",
    "newsletter": "your newsletter|^newsletter",
    "creators": "stream|creator",
    "sponsorship": "sponsored mail|digest",
    "ai_ads": "ad in a chat",
    "review_sites": "review",
}
ORIGIN_WEIGHT = {"brand_search": 0.06, "generic_search": 0.16, "b2b_social": 0.17, "events": 0.13, "newsletter": 0.05}
USUAL_ORIGIN_WEIGHT = 0.06
