"""Commands about connections and the site itself: who may have what, keys, ids, restores, status, doctor. They bring no documents."""
