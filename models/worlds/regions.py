"""Sales regions of the simulated companies: states, television regions, countries. Population in millions.

Of `WORLD` it is the people who write software that count, relative to each other.
"""

from __future__ import annotations

from models.worlds.roster import Region

DACH = (
    Region("DE-NW", "Nordrhein-Westfalen", 18.0, "Germany"),
    Region("DE-BY", "Bayern", 13.2, "Germany"),
    Region("DE-BW", "Baden-Württemberg", 11.2, "Germany"),
    Region("DE-NI", "Niedersachsen", 8.1, "Germany"),
    Region("DE-HE", "Hessen", 6.4, "Germany"),
    Region("DE-RP", "Rheinland-Pfalz", 4.2, "Germany"),
    Region("DE-SN", "Sachsen", 4.1, "Germany"),
    Region("DE-BE", "Berlin", 3.7, "Germany"),
    Region("DE-SH", "Schleswig-Holstein", 3.0, "Germany"),
    Region("DE-HH", "Hamburg", 1.9, "Germany"),
    Region("AT", "Österreich", 9.1, "Austria"),
    Region("CH", "Schweiz", 8.9, "Switzerland"),
)
UK = (
    Region("GB-LND", "London", 13.3, "United Kingdom"),
    Region("GB-MID", "Midlands", 9.8, "United Kingdom"),
    Region("GB-NW", "North West", 7.1, "United Kingdom"),
    Region("GB-YOR", "Yorkshire", 5.9, "United Kingdom"),
    Region("GB-SE", "South and South East", 5.6, "United Kingdom"),
    Region("GB-WW", "Wales and West", 5.1, "United Kingdom"),
    Region("GB-EA", "East of England", 4.5, "United Kingdom"),
    Region("GB-SCO", "Central Scotland", 3.8, "United Kingdom"),
    Region("GB-NE", "North East", 2.9, "United Kingdom"),
    Region("GB-SW", "South West", 1.9, "United Kingdom"),
    Region("GB-NI", "Northern Ireland", 1.9, "United Kingdom"),
    Region("GB-NSC", "North Scotland", 1.3, "United Kingdom"),
)
US = (
    Region("US-CA", "California", 39.0, "United States"),
    Region("US-TX", "Texas", 30.5, "United States"),
    Region("US-FL", "Florida", 22.6, "United States"),
    Region("US-NY", "New York", 19.6, "United States"),
    Region("US-PA", "Pennsylvania", 13.0, "United States"),
    Region("US-IL", "Illinois", 12.5, "United States"),
    Region("US-OH", "Ohio", 11.8, "United States"),
    Region("US-GA", "Georgia", 11.0, "United States"),
    Region("US-NC", "North Carolina", 10.8, "United States"),
    Region("US-MI", "Michigan", 10.0, "United States"),
    Region("US-WA", "Washington", 7.8, "United States"),
    Region("US-AZ", "Arizona", 7.4, "United States"),
)
WORLD = (
    Region("US", "United States", 60.0, "United States"),
    Region("IN", "India", 25.0, "India"),
    Region("GB", "United Kingdom", 16.0, "United Kingdom"),
    Region("DE", "Germany", 15.0, "Germany"),
    Region("BR", "Brazil", 12.0, "Brazil"),
    Region("FR", "France", 10.0, "France"),
    Region("CA", "Canada", 9.0, "Canada"),
    Region("NL", "Netherlands", 7.0, "Netherlands"),
    Region("PL", "Poland", 6.0, "Poland"),
    Region("AU", "Australia", 6.0, "Australia"),
    Region("SE", "Sweden", 5.0, "Sweden"),
    Region("ES", "Spain", 5.0, "Spain"),
)
REGIONS_OF = {"dach": DACH, "uk": UK, "us": US, "world": WORLD}
