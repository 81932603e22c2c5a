-- What the daemon repairs of the interface itself is no tenant's: it is audited with the operators' own.

grant select (is_platform) on tenants to massacorp_wgd;
