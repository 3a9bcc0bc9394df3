#include "tests/fakekopano/method.h"

const struct method methods[] = {
	{"logon", "logonResponse", method_logon, METHOD_EXCLUSIVE | METHOD_NO_SESSION},
	{"logoff", "logoffResponse", method_logoff, METHOD_EXCLUSIVE},
	{"getUser", "getUserResponse", method_get_user, 0},
	{"getUserList", "userListResponse", method_get_user_list, 0},
	{"getCompanyList", "companyListResponse", method_get_company_list, 0},
	{"resolveUsername", "resolveUserResponse", method_resolve_username, 0},
	{"getGroup", "getGroupResponse", method_get_group, 0},
	{"getGroupList", "groupListResponse", method_get_group_list, 0},
	{"getGroupListOfUser", "groupListResponse", method_get_group_list_of_user, 0},
	{"getUserListOfGroup", "userListResponse", method_get_user_list_of_group, 0},
	{"resolveGroupname", "resolveGroupResponse", method_resolve_groupname, 0},
	{"resolvePseudoUrl", "resolvePseudoUrlResponse", method_resolve_pseudo_url, 0},
	{"getIDsFromNames", "getIDsFromNamesResponse", method_get_ids_from_names, METHOD_EXCLUSIVE},
	{"getNamesFromIDs", "getNamesFromIDsResponse", method_get_names_from_ids, 0},
	{"notifyGetItems", "notifyResponse", method_notify_get_items, METHOD_WAITS},
	{"notifySubscribe", "notifySubscribeResponse", method_notify_subscribe, 0},
	{"notifySubscribeMulti", "notifySubscribeMultiResponse", method_notify_subscribe_multi, 0},
	{"notifyUnSubscribe", "notifyUnSubscribeResponse", method_notify_unsubscribe, 0},
	{"notifyUnSubscribeMulti", "notifyUnSubscribeMultiResponse", method_notify_unsubscribe_multi, 0},
	{"getStore", "getStoreResponse", method_get_store, 0},
	{"getPublicStore", "getStoreResponse", method_get_public_store, 0},
	{"getStoreName", "getStoreNameResponse", method_get_store_name, 0},
	{"getStoreType", "getStoreTypeResponse", method_get_store_type, 0},
	{"resolveUserStore", "resolveUserStoreResponse", method_resolve_user_store, 0},
	{"resolveStore", "resolveUserStoreResponse", method_resolve_store, 0},
	{"getReceiveFolder", "receiveFolderResponse", method_get_receive_folder, 0},
	{"getRights", "rightsResponse", method_get_rights, 0},
	{"getEntryIDFromSourceKey", "getEntryIDFromSourceKeyResponse", method_get_entry_id_from_source_key, 0},
	{"loadObject", "loadObjectResponse", method_load_object, 0},
	{"loadProp", "loadPropResponse", method_load_prop, 0},
	{"checkExistObject", "checkExistObjectResponse", method_check_exist_object, 0},
	{"getChangeInfo", "getChangeInfoResponse", method_get_change_info, 0},
	{"tableOpen", "tableOpenResponse", method_table_open, 0},
	{"tableMulti", "tableMultiResponse", method_table_multi, 0},
	{"tableSetColumns", "tableSetColumnsResponse", method_table_set_columns, 0},
	{"tableSort", "tableSortResponse", method_table_sort, 0},
	{"tableRestrict", "tableRestrictResponse", method_table_restrict, 0},
	{"tableQueryRows", "tableQueryRowsResponse", method_table_query_rows, 0},
	{"tableGetRowCount", "tableGetRowCountResponse", method_table_get_row_count, 0},
	{"tableSeekRow", "tableSeekRowResponse", method_table_seek_row, 0},
	{"tableQueryColumns", "tableQueryColumnsResponse", method_table_query_columns, 0},
	{"tableClose", "tableCloseResponse", method_table_close, 0},
	{"setSyncStatus", "setSyncStatusResponse", method_set_sync_status, METHOD_EXCLUSIVE},
	{"getSyncStates", "getSyncStatesReponse", method_get_sync_states, 0},
	{"getChanges", "icsChangeResponse", method_get_changes, 0},
	{"exportMessageChangesAsStream", "exportMessageChangesAsStreamResponse", method_export_stream, 0},
	{0},
};

int method_named(const char *name)
{
	for (int i = 0; methods[i].name; i++)
		if (strcmp(methods[i].name, name) == 0)
			return i;
	return -1;
}
